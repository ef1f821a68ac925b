module github.com/mien-http/mien/bench

go 1.26

require (
	github.com/andybalholm/brotli v1.2.8
	github.com/klauspost/compress v1.20.3
	github.com/mien-http/mien/bench/driver v0.0.0
)

replace github.com/mien-http/mien/bench/driver => ./driver
