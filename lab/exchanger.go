//go:build linux

package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"maps"
	"net"
	"os"
	"slices"
	"strings"

	"postern/lab/mx"
)

// The smart host of the world, whose certificate the lab's hosts trust, and who may send by it.
const (
	smartHost         = "relay.smarthost.test"
	smartHostUser     = "site+1@smarthost.test"
	smartHostPassword = "it's $HOME \"quoted\" 100%"
)

// makePaper makes a certificate that everybody in the lab trusts, before any host is made.
func (l *Lab) makePaper(file string, names ...string) error {
	cert, key, err := mx.Paper(names...)
	if err == nil {
		err = os.WriteFile(l.dir("trusted", file+".pem"), cert, 0o644)
	}
	if err == nil {
		err = os.WriteFile(l.dir(file+".key"), key, 0o600)
	}
	return err
}

// bigServers are mail servers of large operators, with the last byte of their addresses in world; they take no mail. At webByte something
// answers at port 443.
var bigServers = map[string]int{"gmail-smtp-in.l.google.com": 71, "outlook-com.olc.protection.outlook.com": 72, "mx01.mail.icloud.com": 73}

const webByte = 74

// worldAt are the addresses of world that end in a byte.
func worldAt(last int) (four, six string) {
	return fmt.Sprintf("198.51.100.%d", last), fmt.Sprintf("2001:db8:77::%d", last)
}

// worldName are the records of a name of world's in a zone that ends it.
func worldName(name, zone string, last int) string {
	short, _ := strings.CutSuffix(name, "."+zone)
	four, six := worldAt(last)
	return short + " A " + four + "\n" + short + " AAAA " + six + "\n"
}

// startExchanger has world take mail for external.test until the lab ends, from strangers and, as a smart host, from who logs in; what it
// takes is in the lab's folder "mx".
func (l *Lab) startExchanger() error {
	add := ""
	for _, last := range append(slices.Collect(maps.Values(bigServers)), webByte) {
		four, six := worldAt(last)
		add += "address add " + four + "/32 dev eth0\naddress add " + six + "/128 dev eth0 nodad preferred_lft 0\n" // nobody speaks from it
	}
	if err := l.ipBatch(context.Background(), "world", add); err != nil {
		return err
	}
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
	for name, last := range bigServers {
		four, six := worldAt(last)
		for _, addr := range []string{four, six} {
			conns, err := listen(addr, "25")
			if err != nil {
				return err
			}
			go func() { _ = mx.Server{Name: name, Domain: "invalid"}.Serve(conns) }()
		}
	}
	four, six := worldAt(webByte)
	for _, addr := range []string{four, six} {
		conns, err := listen(addr, "443")
		if err != nil {
			return err
		}
		go func() {
			for c, err := conns.Accept(); err == nil; c, err = conns.Accept() {
				c.Close()
			}
		}()
	}
	resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return l.Dial(ctx, "world", network, net.JoinHostPort(resolverAddr, "53"))
	}}
	takes := mx.Server{Name: "mx.external.test", Domain: "external.test", Folder: l.dir("mx"), Resolver: resolver}
	paper, err := tls.LoadX509KeyPair(l.dir("trusted", "smarthost.pem"), l.dir("smarthost.key"))
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
