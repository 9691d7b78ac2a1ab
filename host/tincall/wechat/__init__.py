"""The platform's side of a relay: the only room besides the simulator where its words and numbers are spoken."""
