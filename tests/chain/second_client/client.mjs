// Reads contracts with starknet.js, as a second client beside ours: its own parser of the ABI, and its own decoder.
//
// Takes a job as JSON on standard input and prints what it found as JSON; numbers become text.
import { CallData, Contract, RpcProvider, createAbiParser, events, hash } from 'starknet';

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const job = JSON.parse(Buffer.concat(chunks).toString());
const provider = new RpcProvider({ nodeUrl: job.url });

async function view(contract, { function: name, calldata }) {
  try {
    return { value: await contract.call(name, calldata, { parseRequest: false, blockIdentifier: 'latest' }) };
  } catch (error) {
    return { refused: String(error) };
  }
}

async function read({ address, abi, views, events: raw }) {
  const contract = new Contract({ abi, address, providerOrAccount: provider });
  const parsed = events.parseEvents(
    raw, events.getAbiEvents(abi), CallData.getAbiStruct(abi), CallData.getAbiEnum(abi), createAbiParser(abi)
  );
  const values = [];
  for (const each of views) values.push(await view(contract, each));
  return { views: values, events: parsed };
}

const contracts = [];
for (const each of job.contracts) contracts.push(await read(each));
const hashes = job.hashed.map((felts) => hash.computePoseidonHashOnElements(felts));
process.stdout.write(
  JSON.stringify({ contracts, hashes }, (_, value) => (typeof value === 'bigint' ? value.toString() : value))
);
