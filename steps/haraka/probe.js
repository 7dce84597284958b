// Runs a Haraka between a sender and a mail host of its own, and fails unless what Haraka passes on is right.
const { spawn } = require('node:child_process')
const fs = require('node:fs')
const net = require('node:net')
const path = require('node:path')
const readline = require('node:readline')

const dir = fs.mkdtempSync(path.join(require('node:os').tmpdir(), 'haraka-'))
let haraka
let said = ''
let offers = true // the mail host does XCLIENT
let heard = []

function end(wrong) {
    haraka?.removeAllListeners('exit').kill('SIGKILL')
    fs.rmSync(dir, { recursive: true, force: true })
    if (wrong) console.log(`${said.slice(-2000)}\n${wrong}`)
    process.exit(wrong ? 1 : 0)
}

const mailHost = net.createServer((c) => {
    let data = false
    c.write('220 mail host\r\n')
    const lines = readline.createInterface({ input: c }).on('error', () => {}) // Haraka hangs up as it likes
    lines.on('line', (line) => {
        if (data && line !== '.') return
        if (!data) heard.push(line)
        data = line === 'DATA'
        if (/^EHLO/.test(line)) c.write(offers ? '250-mail host\r\n250 XCLIENT NAME ADDR\r\n' : '250 mail host\r\n')
        else c.write(data ? '354 go on\r\n' : /^XCLIENT/.test(line) ? '220 mail host\r\n' : '250 fine\r\n')
    })
})

// mail sends one, and gives the answers.
async function mail(port) {
    const c = net.connect(port, '127.0.0.1')
    const answers = []
    const lines = ['EHLO sender.invalid', 'MAIL FROM:<>', 'RCPT TO:<a@probe.invalid>', 'DATA', 'Subject: probe\r\n\r\n.', 'QUIT']
    for await (const line of readline.createInterface({ input: c })) {
        if (!/^\d{3} /.test(line)) continue
        answers.push(line)
        if (!lines.length) break
        c.write(`${lines.shift()}\r\n`)
    }
    c.destroy()
    return answers
}

const listening = (server) => new Promise((done) => server.listen(0, '127.0.0.1', () => done(server.address().port)))
const pause = (ms) => new Promise((done) => setTimeout(done, ms))

async function main() {
    const there = await listening(mailHost)
    const free = net.createServer()
    const here = await listening(free)
    await new Promise((done) => free.close(done))
    for (const [name, text] of Object.entries(files)) {
        fs.mkdirSync(path.dirname(path.join(dir, name)), { recursive: true })
        fs.writeFileSync(path.join(dir, name), text.replace('@HERE@', here).replace('@THERE@', there))
    }
    fs.mkdirSync(path.join(dir, 'queue'))
    haraka = spawn('setpriv', ['--pdeathsig', 'KILL', process.execPath, process.argv[2], '-c', dir])
    haraka.on('exit', () => end(`Haraka ends by itself on Node ${process.version}`))
    haraka.stdout.on('data', (text) => { said += text })
    haraka.stderr.on('data', (text) => { said += text })
    const open = () => new Promise((done) => net.connect(here, '127.0.0.1', function () { this.destroy(); done(true) }).on('error', () => done(false)))
    while (!(await open())) await pause(200)

    const taken = await mail(here)
    if (!/^220 probe\.invalid /.test(taken[0]) || !/^250 /.test(taken[5])) end(`it does not pass a mail on: ${taken}`)
    if (!heard.some((line) => /^XCLIENT ADDR=127\.0\.0\.1 NAME=\S+$/.test(line))) end(`it does not tell who the sender is: ${heard}`)
    offers = false
    heard = []
    const refused = await mail(here)
    if (!/^450 /.test(refused[3]) || heard.some((line) => /^MAIL/.test(line))) end(`it passes a mail on without XCLIENT: ${refused}`)
    end()
}

setTimeout(() => end(`Haraka does not answer in time on Node ${process.version}`), 90000)
main().catch((err) => end(err.message))
