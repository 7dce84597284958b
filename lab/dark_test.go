//go:build linux

package main

import (
	"context"
	"net"
	"sync"
	"time"
)

// dark measures for how many seconds a client of the world does not reach the mail host's ports: while an unrelated answer
// is changed, while such a change is taken back, and while a second run finds nothing to do.
func (m *bench) dark() {
	for _, port := range []string{"587", "993"} {
		listen(m.b, m.l, "10.0.0.2", port)
	}
	m.darkRow("dark during an apply that changes something else", -1, func() {
		m.run(0, "--set", "ports.http=8080", "apply", "--yes")
	})
	m.darkRow("dark during a second run", 0, func() {
		m.run(0, "--set", "ports.http=8080", "apply", "--yes")
	})
	m.darkRow("dark while a change is taken back", -1, m.abandoned)
	m.darkRow("for comparison: dark during two seconds without the tunnel", -1, func() {
		want(m.b, m.l, "proxy", "sh", "-c", "ip link set wg0 down; sleep 2; ip link set wg0 up; ip route replace 10.0.0.0/24 dev wg0")
	})
}

// abandoned has the client killed when both its hosts wait to be confirmed, and waits until they have gone back.
func (m *bench) abandoned() {
	cmd := m.command(m.b.Context(), "--json", "--events", "--deadline", "10s", "--set", "ports.http=8081", "apply", "--yes")
	events(m.b, cmd, func(kind, _ string) {
		if kind == "guard" {
			_ = cmd.Process.Kill()
		}
	})
	err := poll(m.b.Context(), time.Minute, func() bool {
		_, err := m.l.Exec(m.b.Context(), "proxy", "test", "!", "-e", "/var/lib/postern/open")
		return err == nil
	})
	if err != nil {
		m.b.Fatalf("the proxy does not go back: %v", err)
	}
}

func (m *bench) darkRow(what string, limit float64, during func()) {
	m.b.Helper()
	ctx, stop := context.WithCancel(m.b.Context())
	var wg sync.WaitGroup
	dark, asked := map[string]*float64{"587": new(float64), "993": new(float64)}, map[string]*int{"587": new(int), "993": new(int)}
	for port := range dark {
		wg.Go(func() { *dark[port], *asked[port] = m.darkness(ctx, port) })
	}
	time.Sleep(200 * time.Millisecond) // some light before
	during()
	time.Sleep(200 * time.Millisecond)
	stop()
	wg.Wait()
	for _, port := range []string{"587", "993"} {
		if *asked[port] < 5 {
			m.b.Errorf("port %s was asked only %d times", port, *asked[port])
		}
		m.row(what+", "+port, *dark[port], limit, "seconds", "")
	}
}

// darkness connects from world every 50 ms until ctx ends, and adds up how long no connection that began was answered
// within 900 ms, before a lost packet is sent again.
func (m *bench) darkness(ctx context.Context, port string) (seconds float64, asked int) {
	const step = 50 * time.Millisecond
	var mu sync.Mutex
	var wg sync.WaitGroup
	tick := time.NewTicker(step)
	defer tick.Stop()
	last := time.Now()
	for {
		select {
		case <-ctx.Done():
			wg.Wait()
			return seconds, asked
		case <-tick.C:
		}
		now := time.Now()
		gap := now.Sub(last)
		last = now
		asked++
		wg.Go(func() {
			limit, cancel := context.WithTimeout(context.Background(), 900*time.Millisecond)
			defer cancel()
			c, err := m.l.Dial(limit, "world", "tcp", net.JoinHostPort("203.0.113.10", port))
			if err == nil {
				c.Close()
				return
			}
			mu.Lock()
			defer mu.Unlock()
			seconds += gap.Seconds()
		})
	}
}
