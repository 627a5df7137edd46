"""Configuration: TOML files to frozen values."""
