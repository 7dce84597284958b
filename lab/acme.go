//go:build linux

package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"postern/lab/mx"
)

// acmeAddr is where inet answers as the certificate authorities of the world do, under their own names, so that no host needs to be told.
const acmeAddr = "198.51.100.207"

// The names of the authority that issues, and of the other one that Caddy knows, which does not.
var (
	issuing  = []string{"acme-v02.api.letsencrypt.org", "acme-staging-v02.api.letsencrypt.org"}
	refusing = []string{"acme.zerossl.com", "api.zerossl.com"}
)

// usualValidity is how long its certificates last.
const usualValidity = 90 * 24 * time.Hour

// pebble answers on addresses of inet itself.
const (
	pebbleAPI  = "127.0.0.1:14000"
	pebbleDesk = "127.0.0.1:15000"
)

// startACME has inet issue certificates until the lab ends; whose they are is among those that everybody in the lab trusts by then.
func (l *Lab) startACME(ctx context.Context) error {
	if err := l.ipBatch(ctx, "inet", "address add "+acmeAddr+"/32 dev lo\n"); err != nil {
		return err
	}
	validity := l.ACMEValidity
	if validity == 0 {
		validity = usualValidity
	}
	if err := l.makePaper("acme", append(issuing, refusing...)...); err != nil {
		return err
	}
	if _, err := l.background("acme", "acme", l.dir("acme.log"), l.Name, validity.String()); err != nil {
		return err
	}
	if err := poll(ctx, time.Minute, func() bool { return exists(l.dir("trusted", "authority.pem")) }); err != nil {
		log, _ := os.ReadFile(l.dir("acme.log"))
		return fmt.Errorf("the authority does not start: %w: %s", err, tail(strings.TrimSpace(string(log)), 1500))
	}
	var roots []byte
	trusted, err := filepath.Glob(l.dir("trusted", "*.pem"))
	for _, path := range trusted {
		cert, more := os.ReadFile(path)
		roots, err = append(roots, cert...), errors.Join(err, more)
	}
	return errors.Join(err, os.WriteFile(l.dir("roots.pem"), roots, 0o644))
}

// childACME runs Debian's pebble, and stands before it under the names of the world.
func childACME(args []string) error {
	l := &Lab{Options{Name: args[0]}}
	validity, err := time.ParseDuration(args[1])
	if err != nil {
		return err
	}
	ended := make(chan error, 2)
	if err := l.runPebble(validity, ended); err != nil {
		return err
	}
	paper, err := tls.LoadX509KeyPair(l.dir("trusted", "acme.pem"), l.dir("acme.key"))
	if err != nil {
		return err
	}
	conns, err := l.Listen(context.Background(), "inet", "tcp", net.JoinHostPort(acmeAddr, "443"))
	if err != nil {
		return err
	}
	// It is asked over the same network that it stands in, and its own certificate is nobody's matter.
	behind := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			return l.Dial(ctx, "inet", network, address)
		}}
	server := http.Server{Handler: authority{l, behind}, TLSConfig: &tls.Config{Certificates: []tls.Certificate{paper}}, ReadHeaderTimeout: 10 * time.Second}
	go func() { ended <- server.ServeTLS(conns, "", "") }()
	if err := l.keepRoot(behind); err != nil {
		return err
	}
	return <-ended
}

// runPebble starts it in inet.
func (l *Lab) runPebble(validity time.Duration, ended chan<- error) error {
	cert, key, err := mx.Paper("localhost")
	if err != nil {
		return err
	}
	config, err := json.Marshal(map[string]any{"pebble": map[string]any{
		"listenAddress": pebbleAPI, "managementListenAddress": pebbleDesk, "certificate": l.dir("pebble.pem"), "privateKey": l.dir("pebble.key"),
		"httpPort": 80, "tlsPort": 443, "certificateValidityPeriod": int(validity.Seconds()),
	}})
	if err != nil {
		return err
	}
	for name, text := range map[string][]byte{"pebble.pem": cert, "pebble.key": key, "pebble.json": config} {
		if err := os.WriteFile(l.dir(name), text, 0o600); err != nil {
			return err
		}
	}
	cmd := exec.Command("nsenter", "--net="+l.netns("inet"), "--", "pebble", "-config", l.dir("pebble.json"), "-dnsserver", net.JoinHostPort(resolverAddr, "53"))
	cmd.Env = append(os.Environ(), "PEBBLE_VA_NOSLEEP=1", "PEBBLE_WFE_NONCEREJECT=0", "PEBBLE_AUTHZREUSE=0") // what was proven once counts no more
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() { ended <- fmt.Errorf("pebble: %w", errors.Join(cmd.Wait(), io.EOF)) }()
	return nil
}

// keepRoot puts the root that pebble made at its start where those that are trusted lie.
func (l *Lab) keepRoot(over http.RoundTripper) error {
	var last error
	err := poll(context.Background(), time.Minute, func() bool {
		var answer *http.Response
		if answer, last = (&http.Client{Transport: over, Timeout: 5 * time.Second}).Get("https://" + pebbleDesk + "/roots/0"); last != nil {
			return false
		}
		defer answer.Body.Close()
		var root []byte
		if root, last = io.ReadAll(answer.Body); last == nil {
			path := l.dir("trusted", "authority.pem")
			last = errors.Join(os.WriteFile(path+".new", root, 0o644), os.Rename(path+".new", path))
		}
		return last == nil
	})
	return errors.Join(err, last)
}

// authority stands before pebble, and has the faults of one.
type authority struct {
	l      *Lab
	behind http.RoundTripper
}

// slowness is how long each answer takes while acme-slow is on.
const slowness = 4 * time.Second

// ServeHTTP answers one request.
func (a authority) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = r.Host
	}
	if slices.Contains(refusing, host) {
		http.Error(w, `{"success":false,"error":{"code":2900,"type":"not_in_this_lab"}}`, http.StatusServiceUnavailable)
		return
	}
	if a.l.faulty("acme-slow") {
		time.Sleep(slowness)
	}
	if a.l.faulty("acme-ratelimit") && strings.HasPrefix(r.URL.Path, "/order-plz") {
		w.Header().Set("Content-Type", "application/problem+json")
		w.Header().Set("Retry-After", "10800")
		w.WriteHeader(http.StatusTooManyRequests)
		fmt.Fprintf(w, `{"type":"urn:ietf:params:acme:error:rateLimited","status":429,"detail":"Error creating new order :: too many certificates (5) already issued for this exact set of domains in the last 168h0m0s, retry after %s: see https://letsencrypt.org/docs/rate-limits/"}`,
			time.Now().Add(3*time.Hour).UTC().Format("2006-01-02 15:04:05 MST"))
		return
	}
	front := &httputil.ReverseProxy{Transport: a.behind, Rewrite: func(p *httputil.ProxyRequest) {
		p.SetURL(&url.URL{Scheme: "https", Host: pebbleAPI})
		p.Out.Host = p.In.Host // what it tells of itself are the names that were asked
		if p.In.URL.Path == "/directory" {
			p.Out.URL.Path = "/dir"
		}
	}}
	front.ServeHTTP(w, r)
}
