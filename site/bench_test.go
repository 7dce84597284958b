package site

import "testing"

// A key is looked up several times a question, and a form looks up dozens of them for a frame.
func BenchmarkFieldOf(b *testing.B) {
	s := Default()
	for _, key := range []string{"ports.imaps", "host.mail.ssh"} {
		b.Run(key, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := FieldOf(s, key); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkFields(b *testing.B) {
	s := Default()
	b.ReportAllocs()
	for b.Loop() {
		Fields(s)
	}
}

// Reading and rendering a whole file asks for every Field.
func BenchmarkRender(b *testing.B) {
	s := Default()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Render(s); err != nil {
			b.Fatal(err)
		}
	}
}
