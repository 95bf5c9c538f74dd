// A client of the kernel in Node, as a stranger would write it from proto/ and docs/integrate.md alone.
//
//   node client.js call STORY.json      makes each RPC of KernelService over mTLS; prints what it saw
//   node client.js vectors DIRECTORY    recomputes the golden vectors of docs/vectors; prints how many
//
// 1. Amounts are read as decimal strings: a JavaScript number loses satoshis above 2^53.
// 2. Every call has a deadline. A refusal is decided by its code and disposition, never by its text.
// 3. Nothing is believed that the statement key has not signed or this file has not computed itself.
'use strict';

const assert = require('node:assert');
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const grpc = require('@grpc/grpc-js');
const protoLoader = require('@grpc/proto-loader');
const protobuf = require('protobufjs');

const DEADLINE_MS = 20_000;
const MAX_MESSAGE = 16 << 20;
const PROTO = path.resolve(__dirname, '../../../proto');
const KERNEL = 'pegwarden/v1/kernel.proto';

// --- bytes ---------------------------------------------------------------------------------------

const sha256 = (...parts) => crypto.createHash('sha256').update(Buffer.concat(parts)).digest();
const text = (value) => Buffer.from(value, 'utf8');
const hex = (value) => Buffer.from(value, 'hex');

/** A big-endian integer of that many bytes; refuses what does not fit. */
function number(value, size) {
  const digits = BigInt(value).toString(16).padStart(2 * size, '0');
  assert(digits.length === 2 * size && !digits.startsWith('-'), `${value} is no u${8 * size}`);
  return hex(digits);
}
const u32 = (value) => number(value, 4);
const u64 = (value) => number(value, 8);
/** Bytes behind their u16 length. */
const sized = (value) => Buffer.concat([number(value.length, 2), value]);

/** BIP-340's tagged hash. */
function taggedHash(tag, ...parts) {
  const prefix = sha256(text(tag));
  return sha256(prefix, prefix, ...parts);
}

/** What a kernel's statement key signs: docs/integrate.md, "What the kernel states". */
function statedDigest(kind, genesis, fingerprint, fields) {
  return sha256(text(`pegwarden/${kind}/v1\0`), genesis, fingerprint, ...fields);
}

const addressFields = (stated) => [
  sized(text(stated.address)),
  sized(stated.script_pubkey),
  u32(stated.branch),
  u32(stated.index),
  sized(text(stated.derivation)),
];
const depositFields = (stated) => [
  sized(text(stated.vault_address)),
  sized(stated.vault_script_pubkey),
  u32(stated.vault_vout),
  u64(stated.amount_sat),
  u32(stated.index),
  sized(stated.payload),
];

/** Ed25519 over a digest, by a raw 32-byte key. */
function verifyEd25519(key, digest, signature) {
  const prefix = hex('302a300506032b6570032100'); // SubjectPublicKeyInfo of Ed25519
  const spki = { key: Buffer.concat([prefix, key]), format: 'der', type: 'spki' };
  assert(crypto.verify(null, digest, crypto.createPublicKey(spki), signature), 'bad statement');
}

// --- a member ------------------------------------------------------------------------------------

const loaded = protoLoader.loadSync(KERNEL, {
  includeDirs: [PROTO],
  keepCase: true,
  longs: String,
  enums: String,
  defaults: true,
  oneofs: true,
});
const { KernelService } = grpc.loadPackageDefinition(loaded).pegwarden.v1;

const types = new protobuf.Root();
types.resolvePath = (_, target) => (path.isAbsolute(target) ? target : path.join(PROTO, target));
types.loadSync(KERNEL, { keepCase: true });
types.addJSON({
  google: {
    nested: {
      rpc: {
        nested: {
          Any: { fields: { type_url: { id: 1, type: 'string' }, value: { id: 2, type: 'bytes' } } },
          Status: {
            fields: {
              code: { id: 1, type: 'int32' },
              message: { id: 2, type: 'string' },
              details: { id: 3, type: 'Any', rule: 'repeated' },
            },
          },
          ErrorInfo: { fields: { reason: { id: 1, type: 'string' }, domain: { id: 2, type: 'string' } } },
        },
      },
    },
  },
});

/** The details of an error: google.rpc.Status with ErrorInfo and pegwarden.v1.Refusal inside. */
function refusalOf(rpc, error) {
  assert(error.metadata, `${rpc}: no answer: ${error}`);
  const [raw] = error.metadata.get('grpc-status-details-bin');
  assert(raw, `${rpc}: ${error.message}`);
  const found = {};
  for (const detail of types.lookupType('google.rpc.Status').decode(raw).details) {
    const name = detail.type_url.split('/').pop();
    if (name === 'google.rpc.ErrorInfo' || name === 'pegwarden.v1.Refusal') {
      const type = types.lookupType(name);
      found[name] = type.toObject(type.decode(detail.value), { enums: String, defaults: true });
    }
  }
  const { 'google.rpc.ErrorInfo': info, 'pegwarden.v1.Refusal': refusal } = found;
  return {
    rpc,
    status: grpc.status[error.code],
    reason: info.reason,
    domain: info.domain,
    code: refusal.code,
    disposition: refusal.disposition,
    objections: refusal.objections.map((each) => each.code),
    recorded: refusal.decision_id.length === 32,
    has_remedy: refusal.remedy !== '',
  };
}

class Member {
  constructor(address, files, called) {
    const [ca, key, certificate] = ['ca', 'key', 'certificate'].map((name) => fs.readFileSync(files[name]));
    this.called = called;
    this.stub = new KernelService(address, grpc.credentials.createSsl(ca, key, certificate), {
      'grpc.max_receive_message_length': MAX_MESSAGE,
      'grpc.max_send_message_length': MAX_MESSAGE,
      'grpc.enable_retries': 0,
    });
  }

  /** The answer; throws the gRPC error. */
  ask(rpc, request) {
    this.called.add(rpc);
    const deadline = Date.now() + DEADLINE_MS;
    return new Promise((resolve, reject) => {
      this.stub[rpc](request, { deadline }, (error, answer) => (error ? reject(error) : resolve(answer)));
    });
  }

  /** The refusal; throws when it is answered. */
  async refused(rpc, request) {
    let answer;
    try {
      answer = await this.ask(rpc, request);
    } catch (error) {
      return refusalOf(rpc, error);
    }
    throw new Error(`${rpc} was answered: ${JSON.stringify(answer)}`);
  }
}

// --- each RPC ------------------------------------------------------------------------------------

/** Explained, signed by every member, combined: the final transaction. */
async function settle(members, vault_id, built, payments, attestations) {
  const request = { vault_id, psbt: built.psbt, payments, attestations };
  const signed = [];
  for (const member of members) {
    const explained = await member.ask('ExplainPsbt', request);
    assert(explained.would_sign, JSON.stringify(explained.trace.filter((line) => !line.passed)));
    const first = await member.ask('SignPsbt', request);
    // The answer was lost? The same request again: the same decision, nothing counted twice.
    const again = await member.ask('SignPsbt', { ...request, last_seen_head: first.head });
    assert(again.decision_id.equals(first.decision_id) && again.head === first.head);
    signed.push(first.psbt);
  }
  const alone = await members[0].ask('ExtractTx', { vault_id, psbts: signed.slice(0, 1) });
  const extracted = await members[0].ask('ExtractTx', { vault_id, psbts: signed });
  assert(extracted.txid.equals(built.unsigned_txid));
  return {
    txid: extracted.txid_display,
    complete: extracted.complete,
    alone_complete: alone.complete,
    alone_missing: alone.missing.length,
    transaction: extracted.transaction,
  };
}

/** The construction, which must be the same on every member. */
async function construct(members, rpc, request) {
  const answers = await Promise.all(members.map((member) => member.ask(rpc, request)));
  assert(answers.every((answer) => answer.psbt.equals(answers[0].psbt)));
  return answers[0];
}

async function addresses(member, vault_id, info, vault) {
  const asked = { vault_id, branch: 'BRANCH_RECEIVE', index: 0 };
  const { address, statement } = await member.ask('GetVaultAddress', asked);
  const fields = addressFields({ ...address, branch: 1 });
  const digest = statedDigest('address', info.genesis_hash, vault.fingerprint, fields);
  verifyEd25519(info.statement_key, digest, statement.signature);
  const listed = await member.ask('ListVaultAddresses', {
    vault_id,
    branch: 'BRANCH_RECEIVE',
    start_index: 0,
    count: 3,
  });
  assert.deepStrictEqual([listed.addresses.length, listed.addresses[0]], [3, address]);
  const place = { branch: 'BRANCH_RECEIVE', index: 0, script: address.script_pubkey };
  const elsewhere = { ...place, index: 1 };
  const verified = await member.ask('VerifyScript', { vault_id, expected: [place, elsewhere] });
  assert.deepStrictEqual(verified.matches, [true, false]);
  assert(verified.fingerprint.equals(vault.fingerprint));
  return { address: address.address, script_type: verified.script_type };
}

async function deposit(member, story, info, vault) {
  const built = await member.ask('GenerateDepositPsbt', story.deposit);
  const digest = statedDigest('deposit', info.genesis_hash, vault.fingerprint, depositFields(built));
  verifyEd25519(info.statement_key, digest, built.statement.signature);
  const asked = { vault_id: story.vault_id, psbt: built.psbt, expected_deposit: story.expected_deposit };
  const seen = await member.ask('ValidateOpReturn', asked);
  return { valid: seen.deposit_valid, matches: seen.payload_matches, payload: built.payload.toString('hex') };
}

async function records(member, vault_id, withdrawal_id) {
  const { withdrawal } = await member.ask('GetWithdrawal', { withdrawal_id });
  const listed = await member.ask('ListWithdrawals', { vault_id });
  const { coins } = await member.ask('ListCoins', { vault_id });
  return {
    state: withdrawal.state,
    versions: withdrawal.versions.length,
    listed: listed.withdrawals.length,
    coins: coins.length,
  };
}

async function call(story) {
  const called = new Set();
  const { vault_id, attestations } = story;
  const members = story.members.map((address) => new Member(address, story.relayer, called));
  const [first] = members;
  const info = await first.ask('GetInfo', {});
  const vault = info.vaults.find((each) => each.vault_id === vault_id);
  const place = await addresses(first, vault_id, info, vault);
  const deposited = await deposit(first, story, info, vault);

  const built = await construct(members, 'ConstructWithdrawalTx', story.construct_withdrawal);
  const bare = { vault_id, psbt: built.psbt, payments: built.payments };
  const indexer = new Member(story.members[0], story.indexer, called);
  const stranger = new Member(story.members[0], story.stranger, called);
  const refusals = [
    await first.refused('SignPsbt', bare),
    await first.refused('GetWithdrawal', { withdrawal_id: Buffer.alloc(32, 0xff) }),
    await first.refused('SignPsbt', { ...bare, psbt: built.psbt.subarray(0, -1) }),
    await indexer.refused('SignPsbt', bare),
    await stranger.refused('GetInfo', {}),
  ];
  const withdrawal = await settle(members, vault_id, built, built.payments, attestations.withdrawal);
  const record = await records(first, vault_id, built.payments[0].withdrawal_id);

  const drafted = await construct(members, 'ConstructAnchorTx', story.construct_anchor);
  const anchor = await settle(members, vault_id, drafted, [], attestations.anchor);
  const anchored = await first.ask('ValidateOpReturn', {
    vault_id,
    transaction: anchor.transaction,
    previous_transactions: story.construct_anchor.coins.map((coin) => coin.previous_tx),
    expected_anchor: story.expected_anchor,
  });
  const swept = await construct(members, 'ConstructSweepTx', story.construct_sweep);
  const sweep = await settle(members, vault_id, swept, [], attestations.sweep);
  for (const each of [withdrawal, anchor, sweep]) delete each.transaction;
  return {
    called: [...called].sort(),
    ready: info.ready,
    ...place,
    deposit: deposited,
    withdrawal,
    record,
    anchor: { ...anchor, valid: anchored.anchor_valid, matches: anchored.payload_matches },
    sweep,
    refusals,
  };
}

// --- golden vectors ------------------------------------------------------------------------------

/** The bytes of one statement of attestors. */
const STATEMENT = {
  withdrawal: (it) => [hex(it.withdrawal_id), u64(it.amount_sat), sized(hex(it.script_pubkey))],
  coin: (it) => [
    ...[hex(it.txid), u32(it.vout), u64(it.amount_sat), u32(it.confirmed_height)],
    sized(hex(it.script_pubkey)),
  ],
  anchor: (it) => [
    ...[hex(it.magic), u64(it.previous_batch_id), hex(it.previous_state_root)],
    ...[u64(it.batch_id), hex(it.state_root), hex(it.eth_tx_hash)],
  ],
  sweep: (it) => [
    ...[number(it.kind, 1), hex(it.to_vault_fingerprint), number(it.path_index, 1)],
    ...[u64(it.max_fee_sat), hex(it.nonce)],
  ],
  spent: (it) => [
    ...[hex(it.txid), u32(it.vout), hex(it.spending_txid)],
    ...[u32(it.confirmed_height), u32(it.tip_height)],
  ],
};

const PAYLOAD = {
  deposit: (it) => [hex(it.magic), hex('0101'), u32(it.l2_chain_id), hex(it.l2_address)],
  anchor: (it) => [hex(it.magic), hex('0102'), u64(it.batch_id), hex(it.state_root), hex(it.eth_tx_hash)],
};

/** OP_RETURN and one minimal push. */
function opReturn(data) {
  const push = data.length <= 75 ? [data.length] : [0x4c, data.length];
  return Buffer.concat([Buffer.from([0x6a, ...push]), data]);
}

/** The fields whose name ends so hold bytes. */
function bytesOf(stated) {
  const binary = new Set(['script_pubkey', 'vault_script_pubkey', 'payload']);
  const pairs = Object.entries(stated).map(([name, value]) => [name, binary.has(name) ? hex(value) : value]);
  return Object.fromEntries(pairs);
}

const CHECKS = {
  'withdrawal_ids.json': (it) => {
    const preimage = Buffer.concat([u32(it.l2_chain_id), hex(it.contract), number(it.burn_counter, 32)]);
    assert.strictEqual(preimage.toString('hex'), it.preimage);
    assert.strictEqual(sha256(preimage).toString('hex'), it.withdrawal_id);
  },
  'vaults.json': (it) => {
    const [plain] = it.descriptor.split('#');
    assert.strictEqual(plain, it.canonical_text);
    assert.strictEqual(sha256(text(plain)).toString('hex'), it.fingerprint);
  },
  'attestations.json': (it) => {
    const statements = it.statements.map((each) => Buffer.concat(STATEMENT[it.kind](each)));
    assert.deepStrictEqual(statements.map((each) => each.toString('hex')), it.statement_bytes);
    const bound = [hex(it.genesis_hash), hex(it.vault_fingerprint), u64(it.expiry_unix)];
    const digest = taggedHash(`pegwarden/${it.kind}/v1`, ...bound, u32(statements.length), ...statements);
    assert.strictEqual(digest.toString('hex'), it.digest);
  },
  'kernel_statements.json': (it) => {
    const fields = (it.kind === 'address' ? addressFields : depositFields)(bytesOf(it.fields));
    const digest = statedDigest(it.kind, hex(it.genesis_hash), hex(it.vault_fingerprint), fields);
    assert.strictEqual(digest.toString('hex'), it.digest);
    verifyEd25519(hex(it.statement_key), digest, hex(it.signature));
  },
  'officer_acts.json': (it) => {
    assert.strictEqual(taggedHash('pegwarden/officer/v1', text(it.text)).toString('hex'), it.digest);
  },
  'receipts.json': (it) => {
    const log = `pegwarden/${it.genesis_hash}/${sha256(hex(it.log_key)).toString('hex')}`;
    const fields = { log, decision: it.decision_id, verdict: it.verdict, request: it.request_digest };
    Object.assign(fields, { txid: it.txid || 'none', size: it.size, root: it.root });
    const lines = Object.entries(fields).map(([key, value]) => `${key}: ${value}\n`);
    assert.strictEqual(`pegwarden/receipt/v1\n${lines.join('')}`, it.text);
    verifyEd25519(hex(it.log_key), text(it.text), hex(it.signature));
  },
  'payloads.json': (it) => {
    const data = Buffer.concat(PAYLOAD[it.kind](it.fields));
    assert.strictEqual(data.toString('hex'), it.payload);
    assert.strictEqual(opReturn(data).toString('hex'), it.script_pubkey);
  },
  'deposit_attestations.json': (it) => {
    const output = [hex(it.txid), u32(it.vout), u64(it.amount_sat)];
    const credited = [hex(it.magic), u32(it.l2_chain_id), hex(it.l2_address)];
    const block = [hex(it.block_hash), u32(it.height)];
    const said = Buffer.concat([hex(it.genesis_hash), hex(it.vault_fingerprint), ...output, ...credited, ...block]);
    assert.strictEqual(said.toString('hex'), it.bytes);
    assert.strictEqual(taggedHash('pegwarden/deposit-attested/v1', said).toString('hex'), it.digest);
  },
};

function vectors(directory) {
  const counted = {};
  for (const name of fs.readdirSync(directory).filter((each) => each.endsWith('.json'))) {
    const { cases } = JSON.parse(fs.readFileSync(path.join(directory, name), 'utf8'));
    cases.forEach(CHECKS[name]); // a file without a check is an error
    counted[name] = cases.length;
  }
  return counted;
}

async function main([command, argument]) {
  if (command === 'vectors') return vectors(argument);
  if (command === 'call') return call(JSON.parse(fs.readFileSync(argument, 'utf8')));
  throw new Error('usage: client.js call STORY.json | client.js vectors DIRECTORY');
}

main(process.argv.slice(2)).then(
  (said) => {
    process.stdout.write(`${JSON.stringify(said, null, 1)}\n`);
    process.exit(0);
  },
  (error) => {
    process.stderr.write(`${error.stack}\n`);
    process.exit(1);
  },
);
