package h2

// staticTable is RFC 7541 Appendix A; entry i has index i+1.
var staticTable = [...]pair{
	{":authority", ""},
	{":method", "GET"},
	{":method", "POST"},
	{":path", "/"},
	{":path", "/index.html"},
	{":scheme", "http"},
	{":scheme", "https"},
	{":status", "200"},
	{":status", "204"},
	{":status", "206"},
	{":status", "304"},
	{":status", "400"},
	{":status", "404"},
	{":status", "500"},
	{"accept-charset", ""},
	{"accept-encoding", "gzip, deflate"},
	{"accept-language", ""},
	{"accept-ranges", ""},
	{"accept", ""},
	{"access-control-allow-origin", ""},
	{"age", ""},
	{"allow", ""},
	{"authorization", ""},
	{"cache-control", ""},
	{"content-disposition", ""},
	{"content-encoding", ""},
	{"content-language", ""},
	{"content-length", ""},
	{"content-location", ""},
	{"content-range", ""},
	{"content-type", ""},
	{"cookie", ""},
	{"date", ""},
	{"etag", ""},
	{"expect", ""},
	{"expires", ""},
	{"from", ""},
	{"host", ""},
	{"if-match", ""},
	{"if-modified-since", ""},
	{"if-none-match", ""},
	{"if-range", ""},
	{"if-unmodified-since", ""},
	{"last-modified", ""},
	{"link", ""},
	{"location", ""},
	{"max-forwards", ""},
	{"proxy-authenticate", ""},
	{"proxy-authorization", ""},
	{"range", ""},
	{"referer", ""},
	{"refresh", ""},
	{"retry-after", ""},
	{"server", ""},
	{"set-cookie", ""},
	{"strict-transport-security", ""},
	{"transfer-encoding", ""},
	{"user-agent", ""},
	{"vary", ""},
	{"via", ""},
	{"www-authenticate", ""},
}

// nameRange is where a name stands in the static table, as indices.
type nameRange struct{ first, last uint32 }

var (
	staticPairs = indexStaticPairs()
	staticNames = indexStaticNames()
)

func indexStaticPairs() map[pair]uint32 {
	m := make(map[pair]uint32, len(staticTable))
	for i, p := range staticTable {
		m[p] = uint32(i + 1)
	}
	return m
}

func indexStaticNames() map[string]nameRange {
	m := make(map[string]nameRange, len(staticTable))
	for i, p := range staticTable {
		r, ok := m[p.name]
		if !ok {
			r.first = uint32(i + 1)
		}
		r.last = uint32(i + 1)
		m[p.name] = r
	}
	return m
}
