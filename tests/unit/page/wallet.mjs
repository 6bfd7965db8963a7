// Let wallets sign challenges, and print what comes of each: the proof, or what the reader is told.
const { prove, walletsHere } = await import(process.argv[2]);

const ORIGIN = "https://app.example.com";
globalThis.location = { origin: ORIGIN };

const challenge = (changes = {}) => ({
  nonce: "0x5c",
  typed_data: {
    primaryType: changes.primaryType ?? "WalletChallenge",
    domain: { name: changes.name ?? "AstraTrade", chainId: changes.chainId ?? "SN_SEPOLIA" },
    message: { purpose: changes.purpose ?? "sign-in", origin: changes.origin ?? ORIGIN },
  },
});

function wallet(answers) {
  const asked = [];
  const request = async ({ type }) => {
    asked.push(type);
    const answer = { wallet_requestAccounts: ["0x0AB"], wallet_requestChainId: "0x534e5f5345504f4c4941", wallet_signTypedData: ["255", "0x10"], ...answers }[type];
    if (answer === undefined) throw new Error("not there");
    return answer;
  };
  return { id: "one", name: "One", request, asked };
}

async function told(answers, changes) {
  const one = wallet(answers);
  try {
    return await prove(one, "SN_SEPOLIA", "sign-in", async (named) => { one.named = named; return challenge(changes); });
  } catch (error) {
    return { told: error.message, signed: one.asked.includes("wallet_signTypedData") };
  }
}

globalThis.starknet_one = wallet({});
globalThis.starknet_same = globalThis.starknet_one;
globalThis.starknet_none = { id: "none" };
console.log(JSON.stringify({
  here: walletsHere().map(({ id }) => id),
  deployed: await told({}),
  undeployed: await told({ wallet_deploymentData: { salt: "0xC0" } }),
  named_chain: await told({ wallet_requestChainId: "SN_SEPOLIA" }),
  other_chain: await told({ wallet_requestChainId: "0x534e5f4d41494e" }),
  refused: await told({ wallet_signTypedData: undefined }),
  accountless: await told({ wallet_requestAccounts: [] }),
  other_purpose: await told({}, { purpose: "unlink" }),
  transaction: await told({}, { primaryType: "Transaction" }),
  foreign: await told({}, { name: "Other" }),
  elsewhere: await told({}, { origin: "https://evil.example.com" }),
}));
