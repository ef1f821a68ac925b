module github.com/mien-http/mien/bench/clients/nethttp

go 1.26

require github.com/mien-http/mien/bench/driver v0.0.0

replace github.com/mien-http/mien/bench/driver => ../../driver
