"""The gRPC adapter: with `refnet.client` all that knows grpc and the generated messages."""
