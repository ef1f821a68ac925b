package retry

import "net/http"

// answer is how a proxy refused: by a status or by a SOCKS reply.
type answer struct {
	status int  // of CONNECT; 0 for SOCKS
	reply  byte // of SOCKS
}

// proxyAnswer finds a proxy's refusal in err.
func proxyAnswer(err error) (answer, bool) {
	if e, ok := asFact[interface{ ProxyStatus() int }](err); ok && e.ProxyStatus() != 0 {
		return answer{status: e.ProxyStatus()}, true
	}
	if e, ok := asFact[interface{ SOCKSReply() byte }](err); ok && e.SOCKSReply() != 0 {
		return answer{reply: e.SOCKSReply()}, true
	}
	return answer{}, false
}

// passing reports whether the refusal may pass: the proxy or what lies behind
// it is busy or out of order, and not that it does not want us.
func (a answer) passing() bool {
	switch a.status {
	case 0:
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	default:
		return false
	}
	switch a.reply {
	case 1, 3, 4, 5, 6: // RFC 1928 §6: general failure, network or host unreachable, refused, TTL expired
		return true
	case 91: // SOCKS4: rejected or failed
		return true
	}
	return false
}
