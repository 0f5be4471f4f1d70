"""What people call the splits of a data set, in folders and in the names of files; in any capitals."""

TRAIN = ("train", "training")
TEST = ("test", "testing", "eval", "evaluation")
VALIDATION = ("validation", "valid", "val", "dev")
