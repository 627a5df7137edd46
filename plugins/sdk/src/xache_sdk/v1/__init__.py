"""Messages generated from protos/xache/v1/plugin.proto."""
