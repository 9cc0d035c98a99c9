"""What Precog does, in its own words: knows neither HTTP nor a vendor."""
