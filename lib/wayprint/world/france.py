"""Names, streets and towns of the world's country."""

from __future__ import annotations

WOMEN = (
    "Léa", "Chloé", "Manon", "Inès", "Camille", "Zoé", "Hélène", "Françoise", "Cécile", "Aurélie", "Maëlle", "Noémie", "Anaïs",
    "Océane",
    "Élodie", "Margaux", "Sylvie", "Nathalie", "Fatima", "Aïcha", "Julie", "Sophie", "Marie-Claude", "Louise", "Jeanne",
    "Thérèse",
    "Solène", "Gaëlle", "Clémence", "Bérénice", "Yasmine", "Agnès")
MEN = (
    "Lucas", "Théo", "Rémi", "Loïc", "Gaël", "François", "Jérôme", "Sébastien", "Frédéric", "Benoît", "Mickaël", "Cédric",
    "Jean-Noël",
    "André", "Étienne", "Hugo", "Mohamed", "Karim", "Antoine", "Nicolas", "Julien", "Maxime", "Clément", "Raphaël", "Joël",
    "Gérard",
    "Thibaut", "Aurélien", "Noël", "Yanis", "Damien", "Stéphane")
SURNAMES = (
    "Martin", "Bernard", "Thomas", "Petit", "Robert", "Richard", "Durand", "Dubois", "Moreau", "Laurent", "Simon", "Michel",
    "Lefèvre",
    "Leroy", "Roux", "David", "Bertrand", "Morel", "Fournier", "Girard", "Bonnet", "Dupont", "Lambert", "Fontaine", "Rousseau",
    "Vincent",
    "Müller", "Lefebvre", "Faure", "André", "Mercier", "Blanc", "Guérin", "Boyer", "Garnier", "Chevalier", "François", "Legrand",
    "Gauthier", "Garcia", "Perrin", "Robin", "Clément", "Morin", "Nicolas", "Henry", "Roussel", "Mathieu", "Gautier", "Masson",
    "Marchand", "Duval", "Denis", "Dumont", "Marie", "Lemaître", "Noël", "Meyer", "Dufour", "Meunier", "Brun", "Blanchard",
    "Giraud",
    "Joly", "Rivière", "Lucas", "Brunet", "Gaillard", "Barbier", "Arnaud", "Martínez", "Gérard", "Roche", "Renard", "Schmitt",
    "Roy",
    "Leroux", "Colin", "Vidal", "Caron", "Picard", "Roger", "Fabre", "Aubert", "Lemoine", "Renaud", "Dumas", "Lacroix", "Olivier",
    "Philippe", "Bourgeois", "Pierre", "Benoît", "Rey", "Leclerc", "Payet", "Rolland", "Leclercq", "Guillaume", "Lecomte",
    "Lopez",
    "Jean", "Dupuy", "Guillot", "Hubert", "Berger", "Carpentier", "Sánchez", "Dupuis", "Moulin", "Louis", "Deschamps", "Huet",
    "Vasseur")
STREETS = (
    "rue de la République", "avenue Jean-Jaurès", "rue Victor-Hugo", "place de l'Église", "rue des Écoles", "boulevard Gambetta",
    "allée des Tilleuls", "chemin du Moulin", "rue Pasteur", "rue du Général-Leclerc", "impasse des Lilas", "rue de Bretagne",
    "quai de Saône", "avenue de la Gare", "rue du Château", "rue Émile-Zola", "route de Mâcon", "rue Saint-Honoré")
# Town, postal code, region code, latitude, longitude, weight.
TOWNS = (
    ("Paris", "75011", "IDF", 48.859, 2.380, 12), ("Paris", "75018", "IDF", 48.892, 2.344, 8),
    ("Lyon", "69003", "ARA", 45.760, 4.849, 7),
    ("Marseille", "13008", "PAC", 43.270, 5.386, 7), ("Toulouse", "31000", "OCC", 43.604, 1.444, 6),
    ("Nice", "06000", "PAC", 43.710, 7.262, 4),
    ("Nantes", "44000", "PDL", 47.218, -1.554, 5), ("Montpellier", "34000", "OCC", 43.611, 3.877, 4),
    ("Strasbourg", "67000", "GES", 48.574, 7.752, 4),
    ("Bordeaux", "33000", "NAQ", 44.838, -0.579, 5), ("Lille", "59000", "HDF", 50.629, 3.057, 5),
    ("Rennes", "35000", "BRE", 48.117, -1.678, 4),
    ("Reims", "51100", "GES", 49.258, 4.032, 2), ("Saint-Étienne", "42000", "ARA", 45.440, 4.387, 2),
    ("Le Havre", "76600", "NOR", 49.494, 0.108, 2),
    ("Grenoble", "38000", "ARA", 45.188, 5.725, 2), ("Dijon", "21000", "BFC", 47.322, 5.042, 2),
    ("Angers", "49000", "PDL", 47.478, -0.563, 2),
    ("Nîmes", "30000", "OCC", 43.837, 4.360, 2), ("Clermont-Ferrand", "63000", "ARA", 45.777, 3.087, 2),
    ("Brest", "29200", "BRE", 48.390, -4.486, 2),
    ("Tours", "37000", "CVL", 47.394, 0.685, 2), ("Besançon", "25000", "BFC", 47.238, 6.024, 2),
    ("Orléans", "45000", "CVL", 47.903, 1.909, 2),
    ("Metz", "57000", "GES", 49.119, 6.176, 2), ("Évreux", "27000", "NOR", 49.024, 1.151, 1),
    ("Ajaccio", "20000", "COR", 41.919, 8.738, 1))
MAIL_HOSTS = ("gmail.com", "orange.fr", "free.fr", "hotmail.fr", "laposte.net", "sfr.fr", "yahoo.fr", "outlook.com")
MAIL_WEIGHTS = (40, 14, 10, 12, 6, 6, 6, 6)
