"""One screen of a house: the market, its book and tape, what is yours, and how it all does."""
