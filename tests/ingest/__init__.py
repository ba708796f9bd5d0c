"""The MQTT session, framing and decoding of the gateway."""
