import { BlockList, isIP, isIPv4 } from 'node:net';

/** Allowed targets of a connection: public addresses, also private networks, or any address. */
export type Reach = 'public' | 'private' | 'any';

/** True if a connection with this reach may use the address. */
export const isReachable = (address: string, reach: Reach): boolean => {
  if (reach === 'any') return true;
  if (isIPv4(address)) {
    if (!NOT_PUBLIC_IPV4.check(address)) return true;
    return reach === 'private' && PRIVATE.check(address) && !METADATA.check(address);
  }
  // An address with a zone (fe80::1%eth0) is valid on this machine only.
  if (isIP(address) !== 6 || address.includes('%')) return false;
  if (MAPPED.check(address, 'ipv6')) return false;
  if (reach === 'private' && PRIVATE.check(address, 'ipv6')) return !METADATA.check(address, 'ipv6');
  return GLOBAL_IPV6.check(address, 'ipv6') && !NOT_PUBLIC_IPV6.check(address, 'ipv6');
};

const blockList = (ipv4: readonly string[], ipv6: readonly string[]): BlockList => {
  const list = new BlockList();
  for (const [subnets, family] of [
    [ipv4, 'ipv4'],
    [ipv6, 'ipv6'],
  ] as const) {
    for (const subnet of subnets) {
      const [network, prefix] = subnet.split('/');
      list.addSubnet(network!, Number(prefix), family);
    }
  }
  return list;
};

// IANA's registry of special-purpose IPv4 addresses (RFC 6890 and its successors), and Azure's metadata service, which
// has a public address.
const NOT_PUBLIC_IPV4 = blockList(
  [
    '0.0.0.0/8',
    '10.0.0.0/8',
    '100.64.0.0/10',
    '127.0.0.0/8',
    '169.254.0.0/16',
    '172.16.0.0/12',
    '192.0.0.0/24',
    '192.0.2.0/24',
    '192.31.196.0/24',
    '192.52.193.0/24',
    '192.88.99.0/24',
    '192.168.0.0/16',
    '192.175.48.0/24',
    '198.18.0.0/15',
    '198.51.100.0/24',
    '203.0.113.0/24',
    '224.0.0.0/4',
    '240.0.0.0/4',
    '168.63.129.16/32',
  ],
  [],
);

// Targets of an allowed name: loopback and private networks. Not link-local, where clouds keep credentials.
const PRIVATE = blockList(
  ['10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16'],
  ['::1/128', 'fc00::/7'],
);

// All global unicast addresses. Mapped and compatible IPv4, NAT64, link-local and private addresses are outside.
const GLOBAL_IPV6 = blockList([], ['2000::/3']);
// Protocol assignments (with Teredo), documentation, 6to4.
const NOT_PUBLIC_IPV6 = blockList([], ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20']);
const MAPPED = blockList([], ['::ffff:0:0/96']);
// Metadata services of clouds within private ranges, which give credentials to any client (Alibaba's, Amazon's).
const METADATA = blockList(['100.100.100.200/32'], ['fd00:ec2::254/128']);
