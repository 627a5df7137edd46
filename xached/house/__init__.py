"""The parts of a house put together: its files, its doors, and how it begins."""
