"""Column names of the vendors' CSV files, in their order."""

from __future__ import annotations


def names(text: str) -> list[str]:
    """The words of a text."""
    return text.split()


def _money(*names: str) -> str:
    """An amount as the shop's exports give it: in the customer's currency and in the shop's."""
    return " ".join(f"{n}_set_{side}_{what}" for n in names for side in ("pres", "shop") for what in ("amount", "currency_code"))


def _address(kind: str) -> str:
    parts = "address_1 address_2 city company country country_code first_name last_name latitude longitude name phone province province_code zip"
    return " ".join(f"{kind}_address_{p}" for p in names(parts))


ORDERS = names(f"""_fivetran_deleted _fivetran_synced app_id {_address("billing")} cancel_reason cancelled_at client_ip closed_at
 confirmed created_at currency_code customer_accepts_marketing customer_id customer_locale display_financial_status
 display_fulfillment_status email id location_id name note number presentment_currency_code processed_at
 {_address("shipping")} source_name staff_member_id status_page_url {_money("subtotal_price")} taxes_included test
 {_money("total_discounts", "total_price", "total_shipping_price", "total_tax", "total_tip_received")} total_weight
 updated_at""")
ORDER_LINES = names(f"""_fivetran_synced id is_gift_card name order_id {_money("original_total")} product_id quantity requires_shipping sku
 taxable title {_money("total_discount")} unfulfilled_quantity variant_id variant_title vendor""")
CUSTOMERS = names("""_fivetran_synced created_at currency email email_marketing_consent_opt_in_level email_marketing_consent_state
 email_marketing_consent_updated_at first_name id last_name note orders_count phone state tax_exempt total_spent
 updated_at verified_email""")
VISITS = names("""_fivetran_synced id order_id type landing_page landing_page_html occurred_at referral_code referral_info_html
 referrer_url source source_description source_type utm_parameters_campaign utm_parameters_content
 utm_parameters_medium utm_parameters_source utm_parameters_term""")
REFUNDS = names(f"_fivetran_synced created_at id note order_id return_id staff_member_id {_money('total_refunded')} updated_at")

MAIL_EVENTS = [
    *names("""id person_id campaign_id flow_id flow_message_id uuid datetime timestamp _fivetran_deleted metric_id type _variation"""),
    *(f"property_{p}" for p in names("""value source_name extra shipping_rate items tags item_count collections""")),
    "_fivetran_synced",
    *(f"property_{p}" for p in names("""currency_code product_id quantity name variant_option_title sku variant_name vendor event_id total_discounts
 attribution discount_codes fulfillment_hours fulfillment_status subject title message_interaction url shipment_type
 courier_name current_status tracking_ship_date tracking_postal_code shipment_package_count campaign_name
 cohort_message_send_cohort email_domain bounce_type client_type client_os client_name client_os_family
 client_canonical page is_session_activity os session_end browser list compare_at_price price image_url brand
 categories variant_option_size attribute_workout attribute_age attribute_fitness_goal attribute_breakfast
 variant_option_type cohort_variation_send_cohort method to_number message_type from_number message_format
 message_name carrier_delivery_status failure_type failure_source message_body email attribute_kit vendor_error_code
 ordr_details date_to_send_gift recipient_name attribute_facebook_order_retailer_id sender_s_name attribute_kitid
 conversation_id conversation_link conversation_channel rating score from_phone_region shipment_carrier
 shipment_status to_phone_region"""))]
MAIL_PEOPLE = [
    *names("""id updated created _fivetran_deleted first_name last_name address_1 address_2 title timezone organization region
 longitude latitude phone_number country zip city email"""),
    *(f"custom_{p}" for p in names("object email accepts_marketing shopify_tags")), "_fivetran_synced",
    *(f"custom_{p}" for p in names("""consent_form_id source consent_method consent gift_giver_name state flow gift_recipient_name last_sign_in
 consent_form_version consent_timestamp mail_chimp_rating gift_recipient_email gift_options address
 subscription_expiration city address_line_2 zipcode expected_date_of_next_order sms_attentive_signup phone
 afterpay_order phone_number_region name referrer_name referrer_email birthday first_purchase_date_ unengaged
 landing_page_tag fitness_goal age workout quiz breakfast quiz_data raf_subscribe suppress sms_consent
 gift_option_dreambelt gift_option_starter gift_option_machine landingpage_tag""")), "last_event_date"]
MAIL_CAMPAIGNS = names("""id from_name status_id campaign_type status_label from_email subject name status created updated send_time sent_at
 _fivetran_deleted email_template_id _fivetran_synced archived scheduled""")

GOOGLE = names("""_fivetran_id customer_id date _fivetran_synced active_view_impressions active_view_measurability
 active_view_measurable_cost_micros active_view_measurable_impressions active_view_viewability ad_network_type
 base_campaign clicks conversions conversions_value cost_micros device id impressions interaction_event_types
 interactions view_through_conversions""")
META = names("ad_id date account_id impressions inline_link_clicks spend")
MICROSOFT = names("""date account_id campaign_id currency_code device_os device_type network ad_distribution bid_match_type
 delivered_match_type top_vs_other budget_association_status budget_name clicks impressions spend
 conversions_qualified conversions revenue all_conversions_qualified all_conversions all_revenue""")
LINKEDIN = names("""campaign_id day _fivetran_synced action_clicks ad_unit_clicks approximate_unique_impressions card_clicks
 card_impressions clicks comment_likes comments company_page_clicks conversion_value_in_local_currency
 cost_in_local_currency cost_in_usd external_website_conversions external_website_post_click_conversions
 external_website_post_view_conversions follows full_screen_plays impressions landing_page_clicks
 lead_generation_mail_contact_info_shares lead_generation_mail_interested_clicks likes one_click_lead_form_opens
 one_click_leads opens other_engagements shares text_url_clicks total_engagements video_completions
 video_first_quartile_completions video_midpoint_completions video_starts video_third_quartile_completions video_views
 viral_card_clicks viral_card_impressions viral_clicks viral_comment_likes viral_comments viral_company_page_clicks
 viral_external_website_conversions viral_external_website_post_click_conversions
 viral_external_website_post_view_conversions viral_follows viral_full_screen_plays viral_impressions
 viral_landing_page_clicks viral_likes viral_one_click_lead_form_opens viral_one_click_leads viral_other_engagements
 viral_shares viral_total_engagements viral_video_completions viral_video_first_quartile_completions
 viral_video_midpoint_completions viral_video_starts viral_video_third_quartile_completions viral_video_views""")
AFFILIATE = names("date network campaign cost currency clicks")

CONTACTS = names("""contact_id email phone first_name last_name street postal_code city country birth_date gender language loyalty_card
 customer_login loyalty_tier lifecycle_stage created_at updated_at is_deleted consent_email consent_sms
 consent_advertising consent_profiling consent_analytics consent_date""")
STORE_TICKETS = names("ticket_id line ticket_time store_id loyalty_card product_id family quantity unit_price discount currency")
SERVICE_TICKETS = names("ticket_id created_at closed_at channel email phone customer_login category status satisfaction")
SURVEY_ANSWERS = names("answer_id answered_at email loyalty_card question stage channel score scale verbatim")
CATALOGUE_SENDS = names("sent_at loyalty_card campaign cost")
