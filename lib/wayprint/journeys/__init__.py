"""What people did: sessions, visits, touches, journeys, conversions, the stage x channel map."""
