module github.com/mien-http/mien/bench/clients/mien

go 1.26.0

replace github.com/mien-http/mien => ../../../

replace github.com/mien-http/mien/bench/driver => ../../driver

require (
	github.com/mien-http/mien v0.0.0-00010101000000-000000000000
	github.com/mien-http/mien/bench/driver v0.0.0-00010101000000-000000000000
)

require (
	github.com/andybalholm/brotli v1.2.8 // indirect
	github.com/cenkalti/backoff/v5 v5.0.3 // indirect
	github.com/klauspost/compress v1.20.3 // indirect
	github.com/refraction-networking/utls v1.8.2 // indirect
	golang.org/x/crypto v0.58.0 // indirect
	golang.org/x/net v0.62.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/text v0.43.0 // indirect
	golang.org/x/time v0.16.0 // indirect
)
