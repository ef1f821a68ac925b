package fingerprint

// Safari returns the newest Safari for macOS. Its ClientHello is a published raw
// recording; what else is published is named part by part in its Provenance, and
// where sources disagree in its Notes. Nobody published more than a navigation
// over HTTP/2, so that no other kind of request has a header list.
func Safari() *Profile { return mustLookup("safari") }
