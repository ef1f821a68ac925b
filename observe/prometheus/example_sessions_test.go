package prometheus_test

import (
	"context"
	"fmt"

	prom "github.com/prometheus/client_golang/prometheus"

	"github.com/mien-http/mien"
	"github.com/mien-http/mien/mientest"
	"github.com/mien-http/mien/observe/prometheus"
)

// Each session has a Collector of its own, and a label tells them apart.
func ExampleCollector() {
	origin, err := mientest.New(mientest.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer origin.Close()

	registry := prom.NewRegistry()
	for i, name := range []string{"crawler", "login"} {
		c := prometheus.New(prometheus.Options{})
		labels := prom.WrapRegistererWith(prom.Labels{"session": name}, registry)
		if err := labels.Register(c); err != nil {
			fmt.Println(err)
			return
		}
		s, err := mien.New(mien.Config{TLS: origin.ClientTLS(), Hooks: c.Hooks()})
		if err != nil {
			fmt.Println(err)
			return
		}
		defer s.Close()
		c.Bind(s)
		for range i + 1 {
			resp, err := s.Get(context.Background(), origin.URL)
			if err != nil {
				fmt.Println(err)
				return
			}
			resp.Body.Close()
		}
	}

	families, err := registry.Gather()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, f := range families {
		if f.GetName() != "mien_requests_total" {
			continue
		}
		for _, m := range f.GetMetric() {
			fmt.Println(m.GetLabel()[0].GetValue(), m.GetCounter().GetValue())
		}
	}
	// Output:
	// crawler 1
	// login 2
}
