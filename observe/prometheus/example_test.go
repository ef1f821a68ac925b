package prometheus_test

import (
	"context"
	"fmt"

	prom "github.com/prometheus/client_golang/prometheus"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/mientest"
	"github.com/mien-http/mien/observe/prometheus"
)

func Example() {
	origin, err := mientest.New(mientest.Config{
		Faults: mientest.Faults{Handshake: mientest.HandshakeFaults{First: 2}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer origin.Close()

	c := prometheus.New(prometheus.Options{})
	mine := mien.Hooks{Retry: func(i mien.RetryInfo) { fmt.Println("again after", i.Class) }}
	s, err := mien.New(mien.Config{
		TLS:   origin.ClientTLS(),
		Hooks: mien.ChainHooks(c.Hooks(), mine),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	c.Bind(s)
	registry := prom.NewRegistry()
	registry.MustRegister(c) // promhttp.HandlerFor(registry, …) serves it

	resp, err := s.Get(context.Background(), origin.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	resp.Body.Close()

	families, err := registry.Gather()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range families {
		if f.GetName() == "mien_handshakes_total" {
			fmt.Println(f.GetName(), f.GetMetric()[0].GetCounter().GetValue())
		}
	}
	// Output:
	// again after HandshakeReset
	// again after HandshakeReset
	// mien_handshakes_total 3
}
