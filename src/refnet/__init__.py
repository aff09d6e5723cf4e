"""refnet: an open backend for referral networks."""
