// @sigstore/verify (npm) over cases: checkpoints and inclusion; of consistency it knows nothing.
// Argument: the folder that npm installed it in.
'use strict';

const { createRequire } = require('module');
const { createPublicKey } = require('crypto');
const path = require('path');
const readline = require('readline');

const installed = createRequire(path.join(process.argv[2], 'package.json'));
const { verifyTLogInclusion } = installed('@sigstore/verify/dist/tlog');
const { LogCheckpoint, verifyCheckpoint } = installed('@sigstore/verify/dist/tlog/checkpoint');

const SPKI = Buffer.from('302a300506032b6570032100', 'hex'); // an Ed25519 key follows

// The log, as it would stand in a trusted root.
function authority(vkey) {
  const [name, keyId] = vkey.split('+');
  const key = Buffer.from(vkey.slice(name.length + keyId.length + 2), 'base64');
  return {
    baseURL: name,
    logID: Buffer.from(keyId, 'hex'),
    publicKey: createPublicKey({
      key: Buffer.concat([SPKI, key.subarray(1)]), format: 'der', type: 'spki',
    }),
  };
}

function fields(text) {
  const split = text.indexOf('\n\n');
  const head = text.slice(0, split).split('\n');
  if (split < 0 || head[0] !== 'c2sp.org/tlog-proof@v1' || !/^index (0|[1-9]\d*)$/.test(head[1])) {
    throw new Error('no proof file');
  }
  const hashes = head.slice(2).map((line) => Buffer.from(line, 'base64'));
  return { index: head[1].slice(6), hashes, note: text.slice(split + 2) };
}

function check(given) {
  const inclusion = given.kind === 'inclusion';
  const text = Buffer.from(inclusion ? given.proof : given.older, 'base64').toString('utf8');
  const { index, hashes, note } = inclusion ? fields(text) : { index: '0', hashes: [], note: text };
  const entry = {
    canonicalizedBody: Buffer.from(given.leaf, 'base64'),
    inclusionProof: { logIndex: index, hashes, checkpoint: { envelope: note } },
  };
  if (inclusion) {
    verifyTLogInclusion(entry, [authority(given.vkey)]);
  } else {
    verifyCheckpoint(entry, [authority(given.vkey)]);
  }
  if (LogCheckpoint.fromString(note).origin !== given.origin) { // it leaves that to its caller
    throw new Error('of another origin');
  }
}

readline.createInterface({ input: process.stdin }).on('line', (line) => {
  const given = JSON.parse(line);
  let said = 'accept';
  try {
    if (given.kind === 'consistency') said = 'pass';
    else check(given);
  } catch (error) {
    said = `refuse ${error.message}`.replaceAll('\n', ' ');
  }
  process.stdout.write(`${said}\n`);
});
