"""What brings sales: credit per conversion and per channel under every model, and what the money returned."""

from wayprint.contracts import Table, col

CONVERSION_CREDITS = Table(
    "conversion_credits", layer="gold", grain="credit of one channel and campaign for one conversion under one model",
    key=("credit_id",), owner="acquisition",
    columns=(
        col("credit_id", "string", "hash of conversion, model, channel and campaign"),
        col("conversion_id", "string", "see conversions", required=True),
        col("person_id", "string", "who bought", personal=True),
        col("converted_at", "timestamp", "when", required=True),
        col("model", "string", "first, last, last_non_direct, linear, position, time_decay, shapley, markov_split (by removal effects)", required=True),
        col("channel", "string", "channel; (none) for a conversion without a touch", required=True),
        col("campaign", "string", "campaign of the touch; null if it had none"),
        col("currency", "string", "of the conversion"),
        col("credit", "double", "share of the conversion, 0 to 1; sums to 1 per conversion and model", required=True),
        col("revenue_amount", "double", "credit x net revenue of the conversion", required=True)),
    rules={"credit is a share": "credit > 0 and credit <= 1 + 1e-9"})

PATHS = Table(
    "paths", layer="gold", grain="one distinct sequence of channels of closed journeys", key=("path_id",), owner="acquisition",
    columns=(
        col("path_id", "string", "hash of the sequence"),
        col("channels", "array<string>", "marketing touches and Direct arrivals in order; empty for journeys without any", required=True),
        col("conversions", "long", "journeys with this path that converted", required=True),
        col("nulls", "long", "journeys with this path that did not", required=True),
        col("revenue_amount", "decimal(18,2)", "net revenue of the conversions, as it stands in whatever currency", required=True)))

CHANNEL_WEIGHTS = Table(
    "channel_weights", layer="gold", grain="one channel of the Markov chain", key=("channel",), owner="acquisition",
    columns=(
        col("channel", "string", "channel that stands on any path"),
        col("removal_effect", "double", "share of conversions lost without the channel", required=True),
        col("removal_effect_low", "double", "bootstrap lower bound", required=True),
        col("removal_effect_high", "double", "bootstrap upper bound", required=True),
        col("conversion_share", "double", "removal effect / sum of removal effects", required=True),
        col("conversion_share_low", "double", "bootstrap lower bound, the number of conversions drawn too", required=True),
        col("conversion_share_high", "double", "bootstrap upper bound, the number of conversions drawn too", required=True),
        col("value_removal_effect", "double", "share of net revenue lost without the channel, amounts of all currencies as they stand", required=True),
        col("revenue_share", "double", "value removal effect / sum of them; that of conversions where refunds leave no clear sum", required=True)),
    rules={"an effect is a share": "removal_effect between -1e-9 and 1 + 1e-9"})

CHANNEL_CREDITS = Table(
    "channel_credits", layer="gold", grain="one channel under one model", key=("model", "channel"), owner="acquisition",
    columns=(
        col("model", "string", "first, last, last_non_direct, linear, position, time_decay, markov (the chain's own, not the sum of markov_split), shapley"),
        col("channel", "string", "channel; (none) for conversions without a touch"),
        col("conversions", "double", "credited conversions; sums to all conversions per model", required=True),
        col("revenue_amount", "double", "credited net revenue; sums to all revenue per model, whatever the currencies (returns keeps them apart)", required=True),
        col("removal_effect", "double", "markov only: share of conversions lost without the channel"),
        col("conversions_low", "double", "bootstrap lower bound"),
        col("conversions_high", "double", "bootstrap upper bound")))

RETURNS = Table(
    "returns", layer="gold", grain="one channel, campaign and currency under one model", key=("return_id",), owner="acquisition",
    columns=(
        col("return_id", "string", "hash of model, channel, campaign and currency"),
        col("model", "string", "attribution model, as in conversion_credits", required=True),
        col("channel", "string", "channel", required=True),
        col("campaign", "string", "campaign name, lower case; null for the whole channel"),
        col("currency", "string", "of cost and revenue"),
        col("cost_amount", "double", "spend since lookback_days before the first conversion", required=True),
        col("conversions", "double", "credited conversions", required=True),
        col("revenue_amount", "double", "credited net revenue", required=True),
        col("cost_per_conversion", "double", "cost / conversions; null without cost or conversions"),
        col("cost_per_conversion_low", "double", "bootstrap lower bound"),
        col("cost_per_conversion_high", "double", "bootstrap upper bound; null if it is infinite"),
        col("return_on_spend", "double", "revenue / cost; null without cost, 0 without credit"),
        col("return_low", "double", "bootstrap lower bound"),
        col("return_high", "double", "bootstrap upper bound")))
