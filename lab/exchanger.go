//go:build linux

package main

import (
	"context"
	"crypto/tls"
	"net"
	"os"

	"postern/lab/mx"
)

// The smart host of the world, whose certificate the lab's hosts trust, and who may send by it.
const (
	smartHost         = "relay.smarthost.test"
	smartHostUser     = "site+1@smarthost.test"
	smartHostPassword = "it's $HOME \"quoted\" 100%"
)

// makePaper makes the smart host's certificate, before any host is made.
func (l *Lab) makePaper() error {
	cert, key, err := mx.Paper(smartHost)
	if err == nil {
		err = os.WriteFile(l.dir("smarthost.pem"), cert, 0o644)
	}
	if err == nil {
		err = os.WriteFile(l.dir("smarthost.key"), key, 0o600)
	}
	return err
}

// startExchanger has world take mail for external.test until the lab ends, from strangers and, as a smart host, from who logs in; what it
// takes is in the lab's folder "mx".
func (l *Lab) startExchanger() error {
	_, err := l.background("mx", "mx", l.dir("mx.log"), l.Name, exchangerAddr4, exchangerAddr6)
	return err
}

// childExchanger takes mail at addresses of world.
func childExchanger(args []string) error {
	l := &Lab{Options{Name: args[0]}}
	listen := func(addr, port string) (net.Listener, error) {
		return l.Listen(context.Background(), "world", "tcp", net.JoinHostPort(addr, port))
	}
	var on []net.Listener
	for _, addr := range args[1:] {
		conns, err := listen(addr, "25")
		if err != nil {
			return err
		}
		on = append(on, conns)
	}
	resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return l.Dial(ctx, "world", network, net.JoinHostPort(resolverAddr, "53"))
	}}
	takes := mx.Server{Name: "mx.external.test", Domain: "external.test", Folder: l.dir("mx"), Resolver: resolver}
	paper, err := tls.LoadX509KeyPair(l.dir("smarthost.pem"), l.dir("smarthost.key"))
	if err != nil {
		return err
	}
	smart := mx.SmartHost{Server: takes, User: smartHostUser, Password: smartHostPassword, Certificate: paper, Mode: l.dir("smarthost.mode"), Heard: l.dir("smarthost.heard")}
	smart.Name = smartHost
	for port, wrapped := range map[string]bool{"587": false, "465": true} {
		conns, err := listen(exchangerAddr4, port)
		if err != nil {
			return err
		}
		go func() { _ = smart.Serve(conns, wrapped) }()
	}
	return takes.Serve(on...)
}
