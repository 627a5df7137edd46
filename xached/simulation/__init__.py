"""The whole daemon from one seed: its people, its disk, what befalls it, and what must hold."""
