"""What a result is worth: statistics, trials, walk-forward, capacity and reports."""
