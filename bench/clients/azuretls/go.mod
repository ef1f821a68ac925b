module github.com/mien-http/mien/bench/clients/azuretls

go 1.26

require (
	github.com/Noooste/azuretls-client v1.13.2
	github.com/mien-http/mien/bench/driver v0.0.0
)

require (
	github.com/Noooste/fhttp v1.0.15 // indirect
	github.com/Noooste/go-socks4 v0.0.2 // indirect
	github.com/Noooste/uquic-go v1.0.5 // indirect
	github.com/Noooste/utls v1.3.20 // indirect
	github.com/Noooste/websocket v1.0.3 // indirect
	github.com/andybalholm/brotli v1.2.0 // indirect
	github.com/bdandy/go-errors v1.2.2 // indirect
	github.com/cloudflare/circl v1.6.2 // indirect
	github.com/fatih/color v1.18.0 // indirect
	github.com/gaukas/clienthellod v0.4.2 // indirect
	github.com/gaukas/godicttls v0.0.4 // indirect
	github.com/google/gopacket v1.1.19 // indirect
	github.com/klauspost/compress v1.18.2 // indirect
	github.com/mattn/go-colorable v0.1.14 // indirect
	github.com/mattn/go-isatty v0.0.20 // indirect
	github.com/quic-go/qpack v0.6.0 // indirect
	github.com/refraction-networking/utls v1.8.1 // indirect
	golang.org/x/crypto v0.46.0 // indirect
	golang.org/x/net v0.48.0 // indirect
	golang.org/x/sys v0.39.0 // indirect
	golang.org/x/text v0.32.0 // indirect
)

replace github.com/mien-http/mien/bench/driver => ../../driver
