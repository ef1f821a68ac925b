module github.com/mien-http/mien/bench/driver

go 1.26
