'use strict'
// What Haraka lacks when it passes mail on to the mail host: it tells the sender's address and verified name by XCLIENT as
// Postfix wants them, sends nothing where that is not heard, asks about each recipient, and tells the sender at once when the
// mail host is away.
const dns = require('node:dns').promises
const net = require('node:net')

let own = [] // this host as the world knows it: its address and name

exports.register = function () {
    own = this.config.get('xclient_own', 'list')
    const client = this.haraka_require('smtp_client')
    const usual = client.get_client_plugin
    client.get_client_plugin = (plugin, connection, config, done) =>
        usual(plugin, connection, config, (err, to) => {
            const send = to.send_command
            to.send_command = function (command, data) {
                if (command === 'XCLIENT') data = sender(connection)
                if (command === 'MAIL' && !this.xclient)
                    return this.emit('bad_code', '450', 'the mail host takes no XCLIENT, try again later')
                return send.call(this, command, data)
            }
            to.socket.on('close', () => to.call_next(DENYSOFT, 'the mail host does not answer, try again later'))
            done(err, to)
        })
    this.register_hook('connect', 'verify')
    this.register_hook('rcpt_ok', 'ask')
}

function sender(connection) {
    const { ip } = connection.remote
    if (own.length === 2 && /^(127\.|::1$)/.test(ip)) return `ADDR=${own[0]} NAME=${own[1]}` // such as a bounce, and never "myself"
    return `ADDR=${net.isIPv6(ip) ? 'IPV6:' : ''}${ip} NAME=${connection.notes.verified_name || '[UNAVAILABLE]'}`
}

// A name counts only when it leads back to the address.
exports.verify = function (next, connection) {
    const { ip, host } = connection.remote
    if (!/^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)+$/.test(host || '')) return next()
    const six = net.isIPv6(ip)
    const own = new net.BlockList() // it knows an address however it is written
    own.addAddress(ip, six ? 'ipv6' : 'ipv4')
    const late = new Promise((done) => setTimeout(done, 5000, []))
    Promise.race([six ? dns.resolve6(host) : dns.resolve4(host), late])
        .then((list) => {
            if (list.some((one) => own.check(one, six ? 'ipv6' : 'ipv4'))) connection.notes.verified_name = host
        })
        .catch(() => {})
        .finally(() => next())
}

// Were the mail host asked at the end alone, one recipient that it does not know would have the mail refused for all of them.
exports.ask = function (next, connection, rcpt) {
    const { host, port } = this.config.get('smtp_forward.ini').main
    this.haraka_require('smtp_client').get_client_plugin(this, connection, { host, port }, (err, to) => {
        const tell = (code, msg) => {
            to.call_next(code, msg)
            to.release()
        }
        to.next = next
        to.on('mail', () => to.send_command('RCPT', `TO:${rcpt.format(!to.smtputf8)}`))
        to.on('rcpt', () => tell())
        to.on('bad_code', (code, msg) => tell(code[0] === '5' ? DENY : DENYSOFT, msg))
    })
}
