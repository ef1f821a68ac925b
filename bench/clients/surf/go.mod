module github.com/mien-http/mien/bench/clients/surf

go 1.26

require (
	github.com/enetx/g v1.0.224
	github.com/enetx/surf v1.0.200
	github.com/mien-http/mien/bench/driver v0.0.0
)

require (
	github.com/andybalholm/brotli v1.2.1 // indirect
	github.com/enetx/http v1.0.28 // indirect
	github.com/enetx/http2 v1.0.26 // indirect
	github.com/enetx/http3 v1.0.7 // indirect
	github.com/enetx/iter v0.0.0-20250912135656-f1583323588f // indirect
	github.com/klauspost/compress v1.18.5 // indirect
	github.com/quic-go/qpack v0.6.0 // indirect
	github.com/quic-go/quic-go v0.59.1 // indirect
	github.com/refraction-networking/utls v1.8.3-0.20260301010127-aa6edf4b11af // indirect
	github.com/wzshiming/socks5 v0.7.0 // indirect
	golang.org/x/crypto v0.41.0 // indirect
	golang.org/x/net v0.43.0 // indirect
	golang.org/x/sys v0.35.0 // indirect
	golang.org/x/text v0.35.0 // indirect
)

replace github.com/mien-http/mien/bench/driver => ../../driver
