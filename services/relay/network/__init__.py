"""The modelled network: which way a frame goes, and when it arrives. Pure: no sockets, no clock, no waiting."""
