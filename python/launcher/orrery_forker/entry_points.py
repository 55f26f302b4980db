"""Entry points of this program among those of the installed packages, in this process alone: nothing is written."""

from importlib.metadata import Distribution, DistributionFinder


class Package(Distribution):
    """`entry_points`: text of an entry_points.txt."""

    def __init__(self, name, entry_points):
        self.texts = {
            "METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n",
            "entry_points.txt": entry_points,
        }

    def read_text(self, filename):
        return self.texts.get(filename)

    def locate_file(self, path):
        return path


class Finder(DistributionFinder):
    """For `sys.meta_path`: what is found first or last there comes first or last among the entry points."""

    def __init__(self, name, entry_points):
        self.package_name = name
        self.package = Package(name, entry_points)

    def find_spec(self, fullname, path, target=None):
        return None

    def find_distributions(self, context=DistributionFinder.Context()):
        return [self.package] if context.name in (None, self.package_name) else []
