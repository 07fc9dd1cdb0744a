"""Makes the repository of DVC that the tests import; run it with an environment that holds dvc.

    PYTHON make_dvc.py FOLDER

writes FOLDER/dvc_repo.zip: a git repository with its cache. The one beside this file was made with dvc 3.67.1.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

WHO = {
    f"GIT_{role}_{fact}": value
    for role in ("AUTHOR", "COMMITTER")
    for fact, value in (("NAME", "Ada"), ("EMAIL", "ada@example.org"))
}


def main() -> None:
    """A file, a folder, a pipeline with an output, and a version whose bytes are gone."""
    target = Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "repo"
        home.mkdir()
        os.chdir(home)
        day = iter(range(1, 20))

        def run(*words: str) -> None:
            subprocess.run(words, check=True, env={**os.environ, "DVC_NO_ANALYTICS": "1", **WHO})

        def dvc(*words: str) -> None:
            run(sys.executable, "-m", "dvc", *words)

        def commit(message: str) -> None:
            date = f"2026-03-{next(day):02}T12:00:00+00:00"
            run("git", "add", "-A")
            both = {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
            subprocess.run(["git", "commit", "-qm", message], check=True, env={**os.environ, **WHO, **both})

        run("git", "init", "-q", "-b", "main")
        dvc("init", "-q")
        Path("data").mkdir()
        Path("data/prices.csv").write_text("id,price\n1,2.5\n2,3.5\n")
        dvc("add", "-q", "data/prices.csv")
        commit("first prices")
        run("git", "tag", "v1")
        Path("images/deep").mkdir(parents=True)
        Path("images/a.txt").write_text("a")
        Path("images/deep/b c.txt").write_text("b")
        dvc("add", "-q", "images")
        Path("data/prices.csv").write_text("id,price\n1,2.5\n2,3.5\n3,4.5\n")
        dvc("add", "-q", "data/prices.csv")
        commit("images, and a third price")
        Path("params.yaml").write_text("factor: 2\n")
        Path("double.py").write_text("open('doubled.csv', 'w').write('id\\n2\\n')\n")
        dvc(
            "stage",
            "add",
            "-q",
            "-n",
            "double",
            "-p",
            "factor",
            "-d",
            "data/prices.csv",
            "-o",
            "doubled.csv",
            "python3 double.py",
        )
        dvc("repro", "-q")
        commit("a pipeline")
        Path("data/prices.csv").write_text("id,price\n9,9.5\n")
        dvc("add", "-q", "data/prices.csv")
        commit("bytes that get lost")
        lost = Path("data/prices.csv.dvc").read_text().split("md5: ")[1].split()[0]
        cached = Path(f".dvc/cache/files/md5/{lost[:2]}/{lost[2:]}")
        cached.chmod(0o600)
        cached.unlink()
        run("git", "commit", "-q", "--allow-empty", "-m", "nothing of data")
        shutil.rmtree(".git/hooks", ignore_errors=True)
        shutil.make_archive(str(target / "dvc_repo"), "zip", home)


if __name__ == "__main__":
    main()
