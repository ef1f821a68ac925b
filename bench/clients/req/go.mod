module github.com/mien-http/mien/bench/clients/req

go 1.26

require (
	github.com/imroc/req/v3 v3.61.0
	github.com/mien-http/mien/bench/driver v0.0.0
)

require (
	github.com/andybalholm/brotli v1.2.2 // indirect
	github.com/google/go-querystring v1.2.0 // indirect
	github.com/icholy/digest v1.2.0 // indirect
	github.com/klauspost/compress v1.19.2 // indirect
	github.com/quic-go/qpack v0.6.0 // indirect
	github.com/quic-go/quic-go v0.61.0 // indirect
	github.com/refraction-networking/utls v1.8.2 // indirect
	golang.org/x/crypto v0.55.0 // indirect
	golang.org/x/net v0.57.0 // indirect
	golang.org/x/sys v0.47.0 // indirect
	golang.org/x/text v0.41.0 // indirect
)

replace github.com/mien-http/mien/bench/driver => ../../driver
