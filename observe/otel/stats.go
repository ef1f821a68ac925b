package otel

import (
	"context"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/semconv/v1.43.0/httpconv"

	"github.com/mien-http/mien"
)

// observeStats registers the metrics that are read from Stats.
func (o *Observer) observeStats(m metric.Meter) (metric.Registration, error) {
	conns, err := httpconv.NewClientOpenConnectionsObservable(m)
	if err != nil {
		return nil, err
	}
	queued, err := m.Int64ObservableUpDownCounter("mien.client.requests.queued",
		metric.WithUnit("{request}"), metric.WithDescription("Requests that wait for a slot."))
	if err != nil {
		return nil, err
	}
	ratio, err := m.Float64ObservableGauge("mien.client.handshake.failure_ratio",
		metric.WithUnit("1"), metric.WithDescription("Share of the TLS handshakes of the last 60 seconds that failed."))
	if err != nil {
		return nil, err
	}
	open := conns.Inst() // RegisterCallback takes the SDK's own alone
	return m.RegisterCallback(func(_ context.Context, out metric.Observer) error {
		s := o.session.Load()
		if s == nil {
			return nil
		}
		stats := s.Stats()
		always := metric.WithAttributes(o.always...)
		out.ObserveInt64(queued, int64(stats.Queued), always)
		out.ObserveFloat64(ratio, stats.HandshakeFailureRate, always)
		for to, n := range o.connections(stats.Origins) {
			list := to.attributes(o.common(4))
			for state, count := range map[httpconv.ConnectionStateAttr]int{
				httpconv.ConnectionStateActive: n.active,
				httpconv.ConnectionStateIdle:   n.open - n.active,
			} {
				out.ObserveInt64(open, int64(count), metric.WithAttributes(append(list[:len(list):len(list)], conns.AttrConnectionState(state))...))
			}
		}
		return nil
	}, open, queued, ratio)
}

// connected is how many connections there are, and how many of them at most are in use.
type connected struct{ open, active int }

// connections sums up by what metrics call the origins: several ways out lead to one.
func (o *Observer) connections(list []mien.OriginStats) map[server]connected {
	sums := make(map[server]connected)
	for i := range list {
		to := o.names.of(list[i].Origin)
		if to.address == other {
			to.scheme = "" // the rest that Stats sums up has none
		}
		n := sums[to]
		n.open += list[i].Connections
		n.active += min(list[i].Connections, list[i].InFlight)
		sums[to] = n
	}
	return sums
}
