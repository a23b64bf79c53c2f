//! Which file systems a local store may be written on.
//!
//! SQLite's write-ahead log needs shared memory and honest locks, which network file systems do not give between hosts: such a
//! store would be damaged sooner or later, so it is refused for writing. Knows magic numbers only, no paths and no store.

/// What a file system's magic number says about a store on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Local,
    /// Not to be written on; the name is for people.
    Network(&'static str),
}

/// Magic numbers of `statfs` for file systems shared between hosts, or whose locks are not known.
const REFUSED: &[(i64, &str)] = &[
    (0x6969, "NFS"),
    (0x517b, "SMB"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB2"),
    (0x0bd0_0bd0, "Lustre"),
    (0x4750_4653, "GPFS"),
    (0x1983_0326, "BeeGFS"),
    (0x00c3_6400, "CephFS"),
    (0x0102_1997, "9p"),
    (0x6573_5546, "FUSE"),
    (0x5346_414f, "AFS"),
    (0x6b41_4653, "AFS"),
    (0x7375_7245, "Coda"),
    (0x564c, "NCP"),
    (0x0116_1970, "GFS2"),
    (0x7461_636f, "OCFS2"),
    (0xaad7_aaea, "PanFS"),
    (0x786f_4256, "a shared folder of VirtualBox"),
    (0xbacb_acbc, "a shared folder of VMware"),
];

/// Judges a magic number. Everything not known to be shared counts as local.
pub(super) fn verdict(magic: i64) -> Verdict {
    // The kernel hands out 32 bits; some platforms widen them with their sign.
    let magic = magic & 0xffff_ffff;
    REFUSED
        .iter()
        .find(|(refused, _)| *refused == magic)
        .map_or(Verdict::Local, |(_, name)| Verdict::Network(name))
}

/// Asks the kernel; a path that cannot be asked about counts as local and fails where it is opened.
pub(super) fn of(path: &std::path::Path) -> Verdict {
    nix::sys::statfs::statfs(path).map_or(Verdict::Local, |stat| {
        #[expect(
            clippy::useless_conversion,
            reason = "the width of the number differs between platforms"
        )]
        verdict(i64::from(stat.filesystem_type().0))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn network_file_systems_are_told_from_local_ones() {
        for (magic, expected) in [
            (0x6969, Verdict::Network("NFS")),
            (0xff53_4d42, Verdict::Network("CIFS")),
            (-11_317_950, Verdict::Network("CIFS")),
            (0x0bd0_0bd0, Verdict::Network("Lustre")),
            (0x4750_4653, Verdict::Network("GPFS")),
            (0x1983_0326, Verdict::Network("BeeGFS")),
            (0x00c3_6400, Verdict::Network("CephFS")),
            (0x0102_1997, Verdict::Network("9p")),
            (0x6573_5546, Verdict::Network("FUSE")),
            (0xef53, Verdict::Local),
            (0x9123_683e, Verdict::Local),
            (0x5846_5342, Verdict::Local),
            (0x0102_1994, Verdict::Local),
            (0x794c_7630, Verdict::Local),
            (0x2fc1_2fc1, Verdict::Local),
        ] {
            assert_eq!(verdict(magic), expected, "{magic:#x}");
        }
    }
}
