//go:build unix

package remote

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

func TestDialFromTheHost(t *testing.T) {
	h := newHost(t)
	s := h.connect(h.options())
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			go io.WriteString(c, "220 hello\r\n")
		}
	}()
	c, err := s.DialContext(soon(t), "tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(time.Hour))
	b := make([]byte, 64)
	if n, err := c.Read(b); err != nil || string(b[:n]) != "220 hello\r\n" {
		t.Errorf("%q, %v", b[:n], err)
	}
	c.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
	var late net.Error
	if _, err := c.Read(b); !errors.Is(err, os.ErrDeadlineExceeded) || !errors.As(err, &late) || !late.Timeout() {
		t.Errorf("a deadline: %v", err)
	}
}

func TestDialErrors(t *testing.T) {
	var dns *net.DNSError
	isDNS := errors.New("dns")
	for _, c := range []struct {
		reason  ssh.RejectionReason
		message string
		want    error
		not     error
	}{
		{ssh.Prohibited, "open failed", ErrNoVantage, syscall.ECONNREFUSED},
		{ssh.Prohibited, "Connection refused", ErrNoVantage, syscall.ECONNREFUSED},
		{ssh.ConnectionFailed, "Connection refused", syscall.ECONNREFUSED, ErrNoVantage},
		{ssh.ConnectionFailed, "No route to host", syscall.EHOSTUNREACH, ErrNoVantage},
		{ssh.ConnectionFailed, "Permission denied", syscall.EACCES, ErrNoVantage},
		{ssh.ConnectionFailed, "Network is unreachable", syscall.ENETUNREACH, syscall.ECONNREFUSED},
		{ssh.ConnectionFailed, "Network is unreachable", ErrNoVantage, syscall.ECONNREFUSED},
		{ssh.ConnectionFailed, "Connection timed out", syscall.ETIMEDOUT, ErrNoVantage},
		{ssh.ConnectionFailed, "unknown host (Name or service not known)", isDNS, ErrNoVantage},
		{ssh.UnknownChannelType, "what", ErrNoVantage, syscall.ECONNREFUSED},
		{ssh.ResourceShortage, "full", ErrNoVantage, syscall.ECONNREFUSED},
	} {
		h := newHost(t)
		h.forward = func(string) (ssh.RejectionReason, string) { return c.reason, c.message }
		s := h.connect(h.options())
		_, err := s.DialContext(soon(t), "tcp", "203.0.113.1:25")
		ok := errors.Is(err, c.want) || errors.Is(c.want, isDNS) && errors.As(err, &dns) && dns.Name == "203.0.113.1"
		if !ok || errors.Is(err, c.not) || errors.Is(err, ErrLost) {
			t.Errorf("%d %q: %v", c.reason, c.message, err)
		}
	}
}

// A far side that says nothing is silent once the host itself was heard; many who wait ask the host together.
func TestDialSilence(t *testing.T) {
	h := newHost(t)
	never := make(chan struct{})
	defer close(never)
	h.forward = func(string) (ssh.RejectionReason, string) { <-never; return ssh.ConnectionFailed, "late" }
	s := h.connect(h.options())
	brief, end := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer end()
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, err := s.DialContext(brief, "tcp", "203.0.113.1:25"); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrNoVantage) {
				t.Errorf("got %v", err)
			}
		})
	}
	wg.Wait()
}

func TestDialUDPCannotBeAsked(t *testing.T) {
	h := newHost(t)
	s := h.connect(h.options())
	if _, err := s.DialContext(soon(t), "udp", "203.0.113.1:53"); !errors.Is(err, ErrNoVantage) {
		t.Errorf("got %v", err)
	}
}
