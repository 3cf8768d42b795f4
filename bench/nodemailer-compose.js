// SPDX-License-Identifier: GPL-3.0-or-later
// nodemailer-compose.js LETTERS TEXT HTML - the peer: nodemailer's composer
// building the same message into a buffer, one after the other. Prints
// microseconds of CPU for one, and the bytes of the last.
const fs = require('fs');
const MailComposer = require('nodemailer/lib/mail-composer');

const [, , letters, textFile, htmlFile] = process.argv;
const total = Number(letters);
const text = fs.readFileSync(textFile, 'utf8');
const html = fs.readFileSync(htmlFile, 'utf8');

function compose(n) {
  const mail = new MailComposer({
    from: 'Secretariat <bureau@chancery.example>',
    to: `"Ministère nº ${n}" <minister${n}@members.example>`,
    subject: `[DM-1] Première session du Comité préparatoire, nº ${n}`,
    textEncoding: 'quoted-printable',
    text: text.replace('{{name}}', `nº ${n}`),
    html: html.replace('{{name}}', `nº ${n}`),
  });
  return mail.compile().build();
}

async function main() {
  let size = 0;
  for (let n = 0; n < total / 4; n++)
    await compose(n); // until the code is compiled
  const before = process.cpuUsage();
  for (let n = 0; n < total; n++)
    size = (await compose(n)).length;
  const used = process.cpuUsage(before);
  console.log(JSON.stringify({
    letters: total, size_bytes: size, us: (used.user + used.system) / total,
  }));
}

main();
