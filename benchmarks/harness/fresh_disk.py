"""Where downloads go: an ext4 that has just been made, in a file. On one where files were deleted lately the search for a free inode costs more than a download."""
import atexit
import os
import shutil
import subprocess
import tempfile

from build import note
from project import DATA

LARGEST = 64 << 30  # bytes, of which the disk holds only what was written
# Nothing is left to be done behind the runs' backs.
MAKE = ["mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0", "-i", "65536"]


def directory():
    """A new directory until the program ends: on a fresh file system where we may mount one, and otherwise on the disk that there is."""
    DATA.mkdir(parents=True, exist_ok=True)
    made = tempfile.mkdtemp(prefix="targets-", dir=DATA)
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    why = _mount(made)
    if why:
        note(f"bench: downloads go to the disk itself ({why})")
    return made


def _mount(place):
    """The reason if that was not possible."""
    if os.geteuid() != 0:
        return "only root may mount a fresh file system"
    image = place + ".ext4"
    atexit.register(_forget, image)
    try:
        with open(image, "wb") as file:
            os.truncate(file.fileno(), min(LARGEST, shutil.disk_usage(DATA).free * 9 // 10))
        _run(*MAKE, image)
        # Past the page cache: the image itself takes no memory that the next run would find missing.
        loop = _run("losetup", "--find", "--show", "--direct-io=on", image)
        atexit.register(_run, "losetup", "--detach", loop)
        _run("mount", "-o", "noatime", loop, place)
    except (OSError, subprocess.CalledProcessError) as error:
        return str(getattr(error, "stderr", None) or error).strip().splitlines()[-1]
    atexit.register(_run, "umount", place)
    os.rmdir(os.path.join(place, "lost+found"))
    return None


def _run(*command):
    return subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True).stdout.strip()


def _forget(image):
    if os.path.exists(image):
        os.unlink(image)
