"""Countries by what people and systems write for them: ISO 3166 alpha-3, and the English, French and own names of those that customers come from."""

# Alpha-2 -> its other words, as `plain_word` writes them: small, without accents, hyphens as blanks.
_WORDS = {
    "AT": "aut, austria, autriche, osterreich", "AU": "aus, australia, australie", "BE": "bel, belgium, belgique, belgie, belgien", "BG": "bgr, bulgaria, bulgarie",
    "BR": "bra, brazil, bresil, brasil", "CA": "can, canada", "CH": "che, switzerland, suisse, schweiz, svizzera", "CI": "civ, ivory coast, cote d'ivoire",
    "CM": "cmr, cameroon, cameroun", "CN": "chn, china, chine", "CY": "cyp, cyprus, chypre", "CZ": "cze, czech republic, czechia, republique tcheque, tchequie",
    "DE": "deu, germany, allemagne, deutschland", "DK": "dnk, denmark, danemark, danmark", "DZ": "dza, algeria, algerie", "EE": "est, estonia, estonie",
    "ES": "esp, spain, espagne, espana", "FI": "fin, finland, finlande, suomi", "FR": "fra, france, france metropolitaine",
    "GB": "uk, gbr, united kingdom, great britain, england, scotland, wales, royaume uni, grande bretagne, angleterre, ecosse",
    "GF": "guf, french guiana, guyane, guyane francaise", "GP": "glp, guadeloupe", "GR": "el, grc, greece, grece", "HR": "hrv, croatia, croatie, hrvatska",
    "HU": "hun, hungary, hongrie", "IE": "irl, ireland, irlande", "IL": "isr, israel", "IN": "ind, india, inde", "IT": "ita, italy, italie, italia",
    "JP": "jpn, japan, japon", "LT": "ltu, lithuania, lituanie", "LU": "lux, luxembourg, luxemburg", "LV": "lva, latvia, lettonie", "MA": "mar, morocco, maroc",
    "MC": "mco, monaco", "MQ": "mtq, martinique", "MT": "mlt, malta, malte", "MU": "mus, mauritius, maurice, ile maurice", "MX": "mex, mexico, mexique",
    "NC": "ncl, new caledonia, nouvelle caledonie", "NL": "nld, netherlands, the netherlands, holland, pays bas, hollande, nederland",
    "NO": "nor, norway, norvege, norge",
    "PF": "pyf, french polynesia, polynesie francaise", "PL": "pol, poland, pologne, polska", "PT": "prt, portugal", "RE": "reu, reunion, la reunion",
    "RO": "rou, romania, roumanie", "SE": "swe, sweden, suede, sverige", "SI": "svn, slovenia, slovenie", "SK": "svk, slovakia, slovaquie", "SN": "sen, senegal",
    "TN": "tun, tunisia, tunisie", "TR": "tur, turkey, turkiye, turquie", "UA": "ukr, ukraine",
    "US": "usa, united states, united states of america, etats unis, etats unis d'amerique",
    "YT": "myt, mayotte"}
CODES = {word: code for code, words in _WORDS.items() for word in words.split(", ")}
