package demo

import "testing"

func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		w, err := New(Options{})
		if err != nil {
			b.Fatal(err)
		}
		w.Close()
	}
}
