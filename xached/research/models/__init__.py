"""Learned signals: features, labels, training, calibration, registry and drift."""
