// SPDX-License-Identifier: GPL-3.0-or-later
// nodemailer.js PORT CONNECTIONS LETTERS TEXT HTML - the peer: nodemailer's
// pooled transport, composing each letter from the same text and HTML.
const fs = require('fs');
const nodemailer = require('nodemailer');

const [, , port, connections, letters, textFile, htmlFile] = process.argv;
const total = Number(letters);
const text = fs.readFileSync(textFile, 'utf8');
const html = fs.readFileSync(htmlFile, 'utf8');
const transport = nodemailer.createTransport({
  pool: true, host: '127.0.0.1', port: Number(port), secure: false,
  ignoreTLS: true, maxConnections: Number(connections),
  maxMessages: Infinity, name: 'bench.chancery.example',
});
let started = 0;
let ended = 0;
let failed = 0;

function next() {
  if (started === total)
    return;
  const n = started++;
  transport.sendMail({
    from: 'Secretariat <bureau@chancery.example>',
    to: `"Ministère nº ${n}" <minister${n}@members.example>`,
    subject: `[DM-1] Première session du Comité préparatoire, nº ${n}`,
    textEncoding: 'quoted-printable',
    text: text.replace('{{name}}', `nº ${n}`),
    html: html.replace('{{name}}', `nº ${n}`),
  }, (error) => {
    failed += error ? 1 : 0;
    if (++ended === total) {
      transport.close();
      process.exit(failed ? 1 : 0);
    }
    next();
  });
}

for (let i = 0; i < Number(connections) * 4; i++)
  next();
