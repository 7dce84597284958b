package wizard

import (
	"fmt"
	"testing"
	"time"
)

// BenchmarkFrames says how long the slowest of 50 frames takes to compute, each after a key, at 200x60 with 80 results: make bench.
// A machine is never quiet, so each frame is computed three times, and the quickest counts.
func BenchmarkFrames(b *testing.B) {
	if b.N > 1 {
		return // it was told
	}
	x := crowded(&testing.T{})
	x.tell(openMsg{newOverview(&x.w.board)})
	x.size("200x60")
	var slowest time.Duration
	for i := range 50 {
		x.keys([]string{"down", "down", "down", "pgdown", "v"}[i%5])
		quickest := time.Hour
		for range 3 {
			start := time.Now()
			x.w.View()
			quickest = min(quickest, time.Since(start))
		}
		slowest = max(slowest, quickest)
	}
	verdict := fmt.Sprintf("limit %d", frame.Milliseconds())
	if slowest > frame {
		verdict = "OVER THE LIMIT of" + verdict[len("limit"):]
		b.Errorf("a frame takes %v; %v at most", slowest, frame)
	}
	fmt.Printf("%-58s %7.2f %-8s %-24s %s\n", "a frame at 200x60 with 80 results, to compute, at most", float64(slowest.Microseconds())/1000, "ms", verdict, "of 50, each after a key")
	b.ReportMetric(0, "ns/op")
}
