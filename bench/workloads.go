package main

import (
	"time"

	"github.com/mien-http/mien/bench/driver"
)

// A workload is work that every client is given.
type workload struct {
	name   string
	title  string
	server string // "go" or "nginx"
	path   string
	job    driver.Job
	bar    float64 // ratio that mien has to stay under; 0: none
	figure figure  // what the bar is about
	limits string  // further bars, in words

	fastest   bool // the ratio is to the fastest other client, not to net/http
	peerShare int  // the other clients do this part of the requests; 0: all
	rounds    int  // no more than so many; 0: as many as the command line says
	peers     int  // the same for the rounds of the other clients
}

// figure is what of a result is compared.
type figure string

const (
	cpuPerRequest figure = "CPU per request"
	rssPerConn    figure = "memory per connection"
)

const kib = 1 << 10

// workloads in the order in which they run. The bars are those of the project.
var workloads = []workload{
	{name: "h2-nginx-16", title: "HTTP/2, 1 KiB, nginx, 16 in flight", server: "nginx", path: "/1k", bar: 0.65, peerShare: 4,
		job: driver.Job{Protocol: "h2", Requests: 8000, Warmup: 500, InFlight: 16, Bytes: kib}},
	{name: "h2-nginx-256", title: "HTTP/2, 1 KiB, nginx, 256 in flight", server: "nginx", path: "/1k", bar: 0.65, peerShare: 4,
		job: driver.Job{Protocol: "h2", Requests: 8000, Warmup: 1000, InFlight: 256, Bytes: kib}},
	{name: "h2-go-16", title: "HTTP/2, 1 KiB, Go, 16 in flight", server: "go", path: "/1k", bar: 0.65, peerShare: 4,
		job: driver.Job{Protocol: "h2", Requests: 8000, Warmup: 500, InFlight: 16, Bytes: kib}},
	{name: "h2-go-256", title: "HTTP/2, 1 KiB, Go, 256 in flight", server: "go", path: "/1k", bar: 0.65, peerShare: 4,
		job: driver.Job{Protocol: "h2", Requests: 8000, Warmup: 1000, InFlight: 256, Bytes: kib}},
	{name: "h1-go-16", title: "HTTP/1.1, 1 KiB, Go, 16 in flight", server: "h1", path: "/1k", bar: 1.15, peerShare: 4,
		job: driver.Job{Protocol: "http/1.1", Requests: 6000, Warmup: 500, InFlight: 16, Bytes: kib}},
	{name: "connect", title: "new connection and GET, full handshake", server: "go", path: "/1k", bar: 1.10, peerShare: 4,
		job: driver.Job{Protocol: "h2", Requests: 500, Warmup: 50, InFlight: 1, Bytes: kib, Fresh: true}},
	{name: "resume", title: "new connection and GET, resumed", server: "go", path: "/1k", bar: 1.05, peerShare: 4,
		limits: "every connection but the first resumes",
		job:    driver.Job{Protocol: "h2", Requests: 500, Warmup: 50, InFlight: 1, Bytes: kib, Fresh: true, Resume: true}},
	{name: "burst", title: "5,000 at once, 1 s each, 250 streams", server: "go", path: "/slow", rounds: 2, peers: 1,
		limits: "at most 22 connections, 2.0 s and 100 MB",
		job:    driver.Job{Protocol: "h2", Requests: 5000, InFlight: 5000, Bytes: 0}},
	{name: "10m-1", title: "10 MiB bodies, 1 in flight", server: "nginx", path: "/10m", bar: 1.0, peerShare: 4,
		job: driver.Job{Protocol: "h2", Requests: 40, Warmup: 2, InFlight: 1, Bytes: 10 << 20}},
	{name: "10m-4", title: "10 MiB bodies, 4 in flight", server: "nginx", path: "/10m", bar: 1.0, peerShare: 4,
		job: driver.Job{Protocol: "h2", Requests: 40, Warmup: 4, InFlight: 4, Bytes: 10 << 20}},
	{name: "json-br", title: "100 KiB of JSON, br", server: "go", path: "/json/br", bar: 1.0, fastest: true, rounds: 4, peerShare: 2,
		job: driver.Job{Protocol: "h2", Requests: 400, Warmup: 20, InFlight: 4, Bytes: jsonSize}},
	{name: "json-gzip", title: "100 KiB of JSON, gzip", server: "go", path: "/json/gzip", bar: 1.0, fastest: true, rounds: 4, peerShare: 2,
		job: driver.Job{Protocol: "h2", Requests: 400, Warmup: 20, InFlight: 4, Bytes: jsonSize}},
	{name: "json-zstd", title: "100 KiB of JSON, zstd", server: "go", path: "/json/zstd", bar: 1.0, fastest: true, rounds: 4, peerShare: 2,
		job: driver.Job{Protocol: "h2", Requests: 400, Warmup: 20, InFlight: 4, Bytes: jsonSize}},
	{name: "resets", title: "a fifth of the handshakes reset", server: "resets", path: "/1k", rounds: 3, peers: 1,
		job: driver.Job{Protocol: "http/1.1", Requests: 1000, InFlight: 200, Bytes: kib}},
	{name: "idle", title: "an idle HTTP/2 connection to each of 250 origins", server: "many", path: "/1k", figure: rssPerConn, rounds: 10, peers: 1,
		limits: "at most 40 KiB each",
		job:    driver.Job{Protocol: "h2", Requests: manyPorts, InFlight: 8, Hold: true}},
}

// manyPorts is how many ports the server of many origins listens on.
const manyPorts = 250

// slowFor is how long the server takes for /slow.
const slowFor = time.Second

// jsonSize is the length of the document of /json, decoded.
const jsonSize = 100 * kib
