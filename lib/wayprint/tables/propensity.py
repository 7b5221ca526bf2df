"""Who is likely to buy: point-in-time examples, scores with their model, and how far the model can be believed."""

from wayprint.contracts import Table, col

FEATURES = (
    col("days_since_seen", "double", "whole days from the last inbound touch to the feature date; null if none"),
    col("days_since_purchase", "double", "whole days from the last purchase; null if none"),
    col("purchases_365d", "double", "orders in the 365 days before"),
    col("gross_revenue_365d", "double", "what they cost as bought: a later refund is not known yet"),
    col("visits_7d", "double", "visits begun in the 7 days before"),
    col("visits_30d", "double", "visits begun in the 30 days before"),
    col("visits_90d", "double", "visits begun in the 90 days before"),
    col("product_views_30d", "double", "product views in the 30 days before"),
    col("carts_30d", "double", "additions to the cart in the 30 days before"),
    col("searches_30d", "double", "searches in the 30 days before"),
    col("email_clicks_90d", "double", "e-mail clicks in the 90 days before"),
    col("emails_sent_90d", "double", "e-mails sent in the 90 days before"),
    col("store_visits_365d", "double", "touches in a store in the 365 days before"),
    col("tickets_90d", "double", "service tickets opened in the 90 days before"),
    col("channels_90d", "double", "distinct channels of inbound touches in the 90 days before"),
    col("devices", "double", "devices first seen before the feature date"),
    col("tenure_days", "double", "whole days from the first sight of the person"),
    col("is_known", "double", "1 if the person was reachable by name before the feature date"),
)

EXAMPLES = Table(
    "examples", layer="gold", grain="one person at one month end (to learn from) or at as_of (to score)", key=("person_id", "feature_date"),
    columns=(
        col("person_id", "string", "see persons", personal=True),
        col("feature_date", "date", "features use only what happened before this day, UTC"),
        col("features_until", "timestamp", "latest event used; strictly before feature_date"),
        col("label_from", "date", "first day of the label window; equals feature_date"),
        col("label", "int", "1 if a purchase falls in the horizon (30 days) from feature_date; null while that window is open"),
        col("fold", "string", "train, test (the latest closed month, other persons), unused (neither: the person or the month is the other fold's), "
            "or score", required=True),
        *FEATURES),
    rules={
        "features strictly before the label": "features_until is null or features_until < timestamp(label_from)",
        "a closed window has its label": "(fold = 'score') = (label is null)",
        "the fold is one of four": "fold in ('train', 'test', 'unused', 'score')"})

SCORES = Table(
    "scores", layer="gold", grain="one person under one model", key=("person_id", "model"), owner="crm",
    columns=(
        col("person_id", "string", "see persons", personal=True),
        col("model", "string", "purchase_30d, ..."),
        col("model_version", "string", "version in the registry", required=True),
        col("scored_on", "date", "feature date of the score", required=True),
        col("score", "double", "calibrated probability, 0 to 1", required=True),
        col("decile", "int", "1 = the tenth most likely to buy", required=True)),
    rules={"a probability": "score between 0 and 1"})

MODEL_MEASURES = Table(
    "model_measures", layer="gold", grain="one measure of one candidate model", key=("model", "candidate", "measure"), records_runs=True,
    columns=(
        col("model", "string", "purchase_30d, ..."),
        col("candidate", "string", "base_rate, logistic, boosting; champion: the model in use if trained earlier; none: not trained"),
        col("measure", "string", "average_precision, roc_auc, log_loss, calibration_error, bin_00_predicted, bin_00_observed, bin_00_count, ..., "
            "positives, examples, train_positives, train_examples, of known people alone roc_auc_known, positives_known, examples_known; or not_trained"),
        col("value", "double", "out of time, on persons not trained on"),
        col("low", "double", "bootstrap 95 % lower bound"),
        col("high", "double", "bootstrap 95 % upper bound"),
        col("is_champion", "boolean", "the candidate in use", required=True),
        col("model_version", "string", "version in the registry; null if not registered"),
        col("verdict", "string", "promoted, kept, refused, reference or not trained: with the reason in words")))
